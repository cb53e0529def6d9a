// Preloaded into the relay (`--import`): its wall clock is off by what a file says, in milliseconds, and
// may jump while it runs. The monotonic clock and the timers are left alone, as when somebody sets the
// clock of a machine.

import { readFileSync } from 'node:fs'

const file = process.env['PFORTE_TEST_CLOCK'] ?? ''
const RealDate = Date

function shiftMs(): number {
  try {
    return Number(readFileSync(file, 'utf8'))
  } catch {
    return 0
  }
}

class ShiftedDate extends RealDate {
  constructor(...values: readonly unknown[]) {
    if (values.length === 0) super(RealDate.now() + shiftMs())
    else super(...(values as [number]))
  }

  static override now(): number {
    return RealDate.now() + shiftMs()
  }
}

globalThis.Date = ShiftedDate as DateConstructor
