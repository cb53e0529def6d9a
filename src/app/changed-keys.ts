// What of a configuration can change while the relay runs, and what needs a restart.

import type { Config } from '#config/config.ts'

/** `limits`, `load`, `greeting`, `guessing`, `smtp`, `policy`, `postmaster`, contents of certificates can. */
const fixed = [
  'hostname',
  'listen',
  'workers',
  'state',
  'tls',
  'verification',
  'handover',
  'spool',
  'delivery',
  'alerts',
  'catcher',
  'recheck',
  'dns',
  'log',
  'metrics',
] as const

/** Keys that have changed and take effect only at the next start. */
export function changedKeys(before: Config, after: Config): readonly string[] {
  return fixed.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
}

/** `before` with what can change while running. */
export function withReloaded(before: Config, after: Config): Config {
  const { limits, load, greeting, guessing, smtp, policy, postmaster } = after
  return { ...before, limits, load, greeting, guessing, smtp, policy, postmaster }
}
