// A declared SIZE that the recipient's server will not take needs no question (RFC 1870 §6.2).

import type { Extensions } from '#smtp/extensions.ts'
import { formatSize } from '#base/units.ts'

/** Why it is too large, for people; undefined when it is not, or nobody knows. */
export function sizeProblem(
  sizeBytes: number | null,
  maxMessageBytes: number | null,
  extensions: Extensions | null,
): string | undefined {
  if (sizeBytes === null) return undefined
  if (maxMessageBytes !== null && sizeBytes > maxMessageBytes) return limitText(maxMessageBytes)
  const offered = extensions?.size ?? 0 // 0: SIZE without a limit (RFC 1870 §4)
  return offered > 0 && sizeBytes > offered ? limitText(offered) : undefined
}

function limitText(maxBytes: number): string {
  return `it takes at most ${formatSize(maxBytes)}`
}
