// The table of all metrics as Markdown, for docs/metrics.md.

import type { MetricDescription } from './metrics.ts'

export function metricsTable(descriptions: readonly MetricDescription[]): string {
  const rows = descriptions.map(
    ({ name, kind, labels, help }) =>
      `| \`${name}\` | ${kind} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
  )
  return ['| metric | kind | labels | meaning |', '| --- | --- | --- | --- |', ...rows, ''].join(
    '\n',
  )
}
