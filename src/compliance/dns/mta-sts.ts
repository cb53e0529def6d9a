// The policy of MTA-STS (RFC 8461): what it says, and which hosts it allows senders to deliver to.

import { failure, success, type Result } from '#base/result.ts'
import { cleanLine } from '#base/text.ts'
import type { HttpsAnswer } from '#net/https-get.ts'

export interface MtaStsPolicy {
  readonly mode: 'enforce' | 'testing' | 'none'
  readonly maxAgeSeconds: number
  /** Lower case: names, or `*.` and a name, which stands for one label before it. */
  readonly mx: readonly string[]
}

/** What came of fetching it. */
export type PolicyAnswer =
  /** No address, or one that is not a web server's of others. */
  { readonly kind: 'no-host'; readonly detail: string } | HttpsAnswer

/** RFC 8461 §3.3 suggests 64 KiB. */
export const maxPolicyBytes: number = 65_536
const maxLineCount = 1000

/** RFC 8461 §3.2. The problem is for people, with the policy's words cleaned. */
export function parsePolicy(body: string): Result<MtaStsPolicy> {
  const fields = body
    .split(/\r?\n/)
    .slice(0, maxLineCount)
    .flatMap((line) => {
      const match = /^\s*([A-Za-z0-9][\w.-]{0,31})\s*:\s*(.*?)\s*$/.exec(line)
      return match === null ? [] : [[match[1]?.toLowerCase() ?? '', match[2] ?? ''] as const]
    })
  const first = (key: string): string => fields.find(([name]) => name === key)?.[1] ?? ''
  const [mode, maxAge] = [first('mode'), first('max_age')]
  if (first('version') !== 'STSv1') return failure('version: STSv1')
  if (mode !== 'enforce' && mode !== 'testing' && mode !== 'none') {
    return failure(`mode: ${cleanLine(mode, 40)}`)
  }
  if (!/^\d{1,10}$/.test(maxAge)) return failure(`max_age: ${cleanLine(maxAge, 40)}`)
  const mx = fields.flatMap(([name, value]) => (name === 'mx' ? [value.toLowerCase()] : []))
  if (mx.length === 0 && mode !== 'none') return failure('mx')
  return success({ mode, maxAgeSeconds: Number(maxAge), mx })
}

/** RFC 8461 §4.1: a wildcard is one whole label, the first. */
export function allowsHost({ mx }: MtaStsPolicy, host: string): boolean {
  const parent = host.slice(host.indexOf('.') + 1)
  return mx.some((pattern) => pattern === host || pattern === `*.${parent}`)
}
