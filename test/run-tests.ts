// Runs the tests of one kind and sums them up: `node test/run-tests.ts fast|all|fuzz|faults`. A skipped test is
// listed with its reason; with PFORTE_NO_SKIPS=1 (as in CI) it fails the run. PFORTE_ONLY: a regular expression, only
// the tests whose names it fits.

import { globSync } from 'node:fs'
import { join } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

interface Group {
  readonly files: readonly string[]
  /** `none`: all files in this process, quick; `process`: one process for each file. */
  readonly isolation: 'none' | 'process'
}

const unit: Group = {
  files: [
    'src/**/*.test.ts',
    'bin/**/*.test.ts',
    'demo/**/*.test.ts',
    'bench/**/*.test.ts',
    'test/support/*.test.ts',
    'test/*.test.ts',
  ],
  isolation: 'process',
}
const dialogs: Group = { files: ['test/dialogs/*.test.ts'], isolation: 'process' }
const fuzz: Group = { files: ['test/fuzz/*.test.ts'], isolation: 'process' }
const whole: Group = {
  files: [
    'test/e2e/*.test.ts',
    'test/faults/*.test.ts',
    'test/hostile/*.test.ts',
    'test/interop/*.test.ts',
    'test/compliance/*.test.ts',
  ],
  isolation: 'process',
}

const faults: Group = { files: ['test/faults/*.test.ts'], isolation: 'process' }

const kinds: Readonly<Record<string, readonly Group[]>> = {
  fast: [unit, dialogs],
  all: [fuzz, whole],
  fuzz: [fuzz],
  faults: [faults],
}

// Type stripping of each file once, not once for each test process.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, '../node_modules/.cache/compile')
/** Most tests wait for sockets and clocks, so a few more than there are cores. */
const concurrency = 4

const sum = { passed: 0, failed: 0 }
const skipped: string[] = []
const groups = kinds[process.argv[2] ?? '']
if (groups === undefined) {
  process.stderr.write('usage: node test/run-tests.ts fast|all|fuzz|faults\n')
  process.exit(2)
}
for (const group of groups) await runGroup(group)
for (const line of skipped) process.stdout.write(`skipped: ${line}\n`)
process.stdout.write(`${sum.passed} passed, ${sum.failed} failed, ${skipped.length} skipped\n`)
const isSkipForbidden = process.env['PFORTE_NO_SKIPS'] === '1' && skipped.length > 0
process.exitCode = sum.failed > 0 || sum.passed === 0 || isSkipForbidden ? 1 : 0

async function runGroup(group: Group): Promise<void> {
  const files = group.files.flatMap((pattern) => globSync(pattern)).toSorted()
  if (files.length === 0) return
  const only = process.env['PFORTE_ONLY'] ?? ''
  const named = only === '' ? {} : { testNamePatterns: [new RegExp(only)] }
  const stream = run({ files, isolation: group.isolation, concurrency, ...named })
  stream.on('test:fail', () => void (sum.failed += 1))
  stream.on('test:pass', ({ name, skip, details }) => {
    if (skip !== undefined && skip !== false) skipped.push(`${name}: ${String(skip)}`)
    else if (details.type !== 'suite') sum.passed += 1
  })
  for await (const text of stream.compose(spec)) process.stdout.write(String(text))
}
