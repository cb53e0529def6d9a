// Tables of results, and the place in a document they are written to.

import { readFileSync, writeFileSync } from 'node:fs'

/** The first column is text, the others are numbers. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...rows.map((row) => (row[column] ?? '').length)),
  )
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`
  return [line(head), rule, ...rows.map(line)].join('\n')
}

/** Replaces what stands between `<!-- NAME -->` and `<!-- end of NAME -->`. Throws when they are not there. */
export function writeBetweenMarkers(file: string, name: string, text: string): void {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`]
  const document = readFileSync(file, 'utf8')
  const from = document.indexOf(begin)
  const to = document.indexOf(end, from)
  if (from < 0 || to < 0) throw new Error(`${file} has no markers for ${name}`)
  const before = document.slice(0, from + begin.length)
  writeFileSync(file, `${before}\n\n${text.trim()}\n\n${document.slice(to)}`)
}
