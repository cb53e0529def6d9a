// The spool's own thread: takes calls, makes groups of them, answers. Whatever arrived while the last group
// was synced is the next one.

import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import type {
  AnswerGroup,
  NumberedAnswer,
  NumberedCall,
  SpoolAnswers,
  SpoolControl,
  SpoolWrite,
} from './messages.ts'
import { spoolErrorOf } from './database.ts'
import { Writer, type Outcome, type WriterOptions } from './writer.ts'

/** Most calls in one transaction: keeps the first of them from waiting long. */
const maxGroupCount = 500

if (parentPort === null) throw new Error('the spool worker is started by the spool')
const port = parentPort
const writer = new Writer(workerData as WriterOptions)
let toldStop: string | null = null
const pending: NumberedCall[] = []

port.on('message', (calls: readonly NumberedCall[]) => {
  pending.push(...calls)
  for (;;) {
    collect()
    if (pending.length === 0) break
    work(pending.splice(0, maxGroupCount))
  }
  writer.tidy(true)
})

function collect(): void {
  while (pending.length < maxGroupCount) {
    const received = receiveMessageOnPort(port)
    if (received === undefined) return
    pending.push(...(received.message as readonly NumberedCall[]))
  }
}

function work(calls: readonly NumberedCall[]): void {
  const answers: NumberedAnswer[] = []
  let writes: { readonly number: number; readonly call: SpoolWrite }[] = []
  const writeNow = (): void => {
    if (writes.length === 0) return
    const outcomes = writer.writeAll(writes.map(({ call }) => call))
    for (const [index, { number }] of writes.entries()) {
      const outcome = outcomes[index]
      if (outcome !== undefined) answers.push({ number, ...outcome })
    }
    writes = []
  }
  for (const { number, call } of calls) {
    switch (call.kind) {
      case 'commit':
      case 'settle':
      case 'hurry':
      case 'hold':
        writes.push({ number, call })
        break
      case 'lease':
      case 'due':
      case 'stats':
      case 'filed':
        writeNow() // reads see what was written before them
        answers.push({ number, ...writer.read(call) })
        break
      case 'recover':
      case 'stop':
      case 'close':
        writeNow()
        answers.push({ number, ...control(call) })
        break
    }
  }
  writeNow()
  writer.tidy(false)
  const group: AnswerGroup = { answers, stoppedBy: newlyStopped() }
  port.postMessage(group)
}

function control(call: SpoolControl): Outcome<SpoolAnswers[SpoolControl['kind']]> {
  try {
    switch (call.kind) {
      case 'recover':
        return { ok: true, value: writer.recover() }
      case 'stop':
        writer.stop(call.detail)
        return { ok: true, value: null }
      case 'close':
        writer.close()
        toldStop = 'closed'
        port.unref()
        return { ok: true, value: null }
    }
  } catch (error) {
    const { kind, message, isUnclear } = spoolErrorOf(error, 'cannot open the spool')
    return { ok: false, failure: { kind, message, isUnclear } }
  }
}

/** Told once for each stop. */
function newlyStopped(): string | null {
  const detail = writer.stoppedBy
  if (detail === toldStop) return null
  toldStop = detail
  return detail
}
