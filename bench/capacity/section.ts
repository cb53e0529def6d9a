// One table of docs/capacity.md.

import { markdownTable } from '../support/markdown.ts'

export interface Section {
  /** Of the markers in the document. */
  readonly name: string
  readonly text: string
}

export function section(
  name: string,
  when: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): Section {
  return { name, text: `${when}\n\n${markdownTable(head, rows)}` }
}
