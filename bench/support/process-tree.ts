// What a program with all its processes uses, from /proc: CPU time and memory.

import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** Of a process and all that descends from it. */
export interface ProcessTree {
  readonly pids: () => readonly number[]
  /** User and system time so far, of processes that live and of those their parents have waited for. */
  readonly cpuSeconds: () => number
  /** Proportional set size: pages that several processes share are counted once. */
  readonly memoryBytes: () => number
}

interface Stat {
  readonly pid: number
  readonly parent: number
  readonly cpuTicks: number
}

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

export function processTree(root: number): ProcessTree {
  const members = (): readonly Stat[] => descendants(root, allProcesses())
  return {
    pids: () => members().map(({ pid }) => pid),
    cpuSeconds: () => members().reduce((sum, { cpuTicks }) => sum + cpuTicks, 0) / ticksPerSecond,
    memoryBytes: () => members().reduce((sum, { pid }) => sum + memoryOf(pid), 0),
  }
}

/** CPU time of the whole machine that was not idle, in seconds; time stolen by its host counts. */
export function machineBusySeconds(): number {
  const [, ...ticks] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '').split(/ +/)
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, steal = 0] = ticks.map(Number)
  return (user + nice + system + irq + softIrq + steal) / ticksPerSecond
}

function allProcesses(): readonly Stat[] {
  return readdirSync('/proc').flatMap((name) => {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : undefined
    return stat === undefined ? [] : [stat]
  })
}

/** proc_pid_stat(5); a process may end while it is looked at. */
function statOf(pid: number): Stat | undefined {
  const text = readOrNothing(`/proc/${pid}/stat`)
  // The name of the program, in parentheses, may hold anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  if (fields.length < 15) return undefined
  const cpuTicks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return { pid, parent: Number(fields[1]), cpuTicks }
}

function descendants(root: number, all: readonly Stat[]): readonly Stat[] {
  const children = Map.groupBy(all, ({ parent }) => parent)
  const found = all.filter(({ pid }) => pid === root)
  for (const { pid } of found) found.push(...(children.get(pid) ?? []))
  return found
}

function memoryOf(pid: number): number {
  return (
    Number(/^Pss: +(\d+) kB/m.exec(readOrNothing(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) * 1024
  )
}

function readOrNothing(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
