// Has a mail become dearer? Its cost as a multiple of a fixed program's in the same run, so that a slow hour of
// the machine cancels out; or in instructions, where the machine counts them. `node bench/regress.ts --help`

import { parseArgs } from 'node:util'
import { canCountInstructions, type Unit } from './regress/counter.ts'
import { keep, readKept } from './regress/kept.ts'
import { measureAll } from './regress/measure.ts'
import { loadNow, machineFacts, timeNow } from './support/machine.ts'
import { markdownTable } from './support/markdown.ts'
import { median, pretty, prettyMedian } from './support/numbers.ts'

const help = `node bench/regress.ts [OPTIONS]

  --repetitions N   default 7
  --mails N         of one measurement; default 2000
  --unit UNIT       instructions or cpu-ratio; default: instructions if the machine counts them
  --write           keeps the numbers in bench/regress.json

Exits with 1 when a mail costs over 15 % more than the numbers kept.
`

const limit = 1.15

const { values } = parseArgs({
  options: {
    repetitions: { type: 'string', default: '7' },
    mails: { type: 'string', default: '2000' },
    unit: { type: 'string' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) print(help)
else await main(unitOf(values.unit))

async function main(unit: Unit): Promise<void> {
  const loadBefore = loadNow()
  const numbers = await measureAll({
    unit,
    repetitionCount: Number(values.repetitions),
    mailCount: Number(values.mails),
    progress: (line) => process.stderr.write(`${line}\n`),
  })
  print(`${machineFacts()}; ${timeNow()}, load before ${loadBefore}`)
  const kept = readKept(unit)
  if (kept !== undefined) print(`kept: ${kept.machine}; ${kept.time}`)
  const title = unit === 'instructions' ? 'user instructions' : 'times the reference'
  const rows = Object.entries(numbers).map(([name, ofName]) => {
    const change = changeOf(median(ofName), kept?.numbers[name] ?? NaN)
    return [name, prettyMedian(ofName), pretty(kept?.numbers[name] ?? NaN), change]
  })
  print(markdownTable(['what a mail costs', title, 'kept', 'change'], rows))
  if (values.write) {
    const medians = Object.entries(numbers).map(
      ([name, ofName]) => [name, Number(median(ofName).toPrecision(4))] as const,
    )
    const machine = machineFacts()
    keep(unit, { numbers: Object.fromEntries(medians), machine, time: timeNow() })
  }
}

function changeOf(now: number, before: number): string {
  if (!Number.isFinite(before)) return '–'
  const percent = `${((now / before - 1) * 100).toFixed(0)} %`
  if (now <= before * limit) return percent
  process.exitCode = 1
  return `${percent}: DEARER`
}

function unitOf(wanted: string | undefined): Unit {
  if (wanted === 'instructions' || wanted === 'cpu-ratio') return wanted
  if (wanted !== undefined) throw new Error(`unknown unit ${wanted}`)
  return canCountInstructions() ? 'instructions' : 'cpu-ratio'
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
