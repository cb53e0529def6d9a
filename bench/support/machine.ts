// What a measurement has to say of the machine it was taken on.

import { readFileSync } from 'node:fs'
import os from 'node:os'

/** One line. */
export function machineFacts(): string {
  const cores = os.cpus()
  const gibibytes = Math.round(os.totalmem() / 1024 ** 3)
  return [
    `${cores[0]?.model.trim() ?? 'unknown CPU'}, ${cores.length} cores, ${gibibytes} GiB`,
    distribution(),
    `kernel ${os.release()}`,
    `Node ${process.versions.node}`,
  ].join('; ')
}

/** Load of the last minute. */
export function loadNow(): string {
  return (os.loadavg()[0] ?? 0).toFixed(1)
}

/** As `2026-11-24 14:05 UTC`. */
export function timeNow(): string {
  return `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

function distribution(): string {
  try {
    return /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'Linux'
  } catch {
    return 'Linux'
  }
}
