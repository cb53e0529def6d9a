// Finds strace, and whether it may be used here: it may be missing, or tracing may be forbidden.

import { execFileSync, spawnSync } from 'node:child_process'
import path from 'node:path'

export type StraceProgram =
  | { readonly kind: 'ready'; readonly file: string }
  | { readonly kind: 'missing'; readonly reason: string }

const installer = path.join(import.meta.dirname, '../../interop/support/install.sh')

/** That of the system, else one fetched with apt: seconds the first time. */
export function findStrace(): StraceProgram {
  const own: StraceProgram = { kind: 'ready', file: 'strace' }
  const found = spawnSync('strace', ['--version']).status === 0 ? own : fetchStrace()
  if (found.kind === 'missing') return found
  const tried = runStrace(found, ['-f', '-o', '/dev/null', '-e', 'trace=none', 'true'])
  return tried === null ? found : { kind: 'missing', reason: `strace cannot trace here: ${tried}` }
}

function fetchStrace(): StraceProgram {
  const output = execFileSync(installer, ['strace'], {
    encoding: 'utf8',
    timeout: 300_000,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [, state, detail = ''] = output.trim().split('\t')
  if (state !== 'ready') return { kind: 'missing', reason: `strace: ${detail}` }
  return { kind: 'ready', file: path.join(detail, 'usr/bin/strace') }
}

/** Null, or why it failed. */
function runStrace(
  program: Extract<StraceProgram, { kind: 'ready' }>,
  parameters: readonly string[],
): string | null {
  const { status, stderr, error } = spawnSync(program.file, parameters, { encoding: 'utf8' })
  return status === 0 ? null : (error?.message ?? stderr.trim().split('\n')[0] ?? 'no reason given')
}

/** The shape of node:test's `skip`. */
export function skipWithout(program: StraceProgram): string | false {
  return program.kind === 'missing' ? program.reason : false
}
