// An order from the options to the report: what is meant, why, whether it is really wanted.

import { userInfo } from 'node:os'
import { systemClock } from '#base/clock.ts'
import { cleanLine } from '#base/text.ts'
import type { Config } from '#config/config.ts'
import type { Order, OrderResult, Selection, SpoolRecipient } from '#spool/spool-tools.ts'
import { CommandError, UsageError, type CommandIo } from '#app/command.ts'
import { printJson } from '#app/commands/domain/print.ts'
import { ownerJson } from './json.ts'
import { commonOptions, withQueue, type Queue } from './open-queue.ts'
import { count, countText, entryLine, recipientText } from './print.ts'
import {
  isEverything,
  selectionOf,
  selectionOptions,
  selectionUsage,
  type SelectionValues,
} from './selection-options.ts'

/** For `parseArguments`. */
export const orderOptions: typeof commonOptions &
  typeof selectionOptions & {
    readonly all: { readonly type: 'boolean' }
    readonly reason: { readonly type: 'string' }
    readonly 'dry-run': { readonly type: 'boolean' }
  } = {
  ...commonOptions,
  ...selectionOptions,
  all: { type: 'boolean' },
  reason: { type: 'string' },
  'dry-run': { type: 'boolean' },
}

export const orderUsage: string = `${selectionUsage}  --all          everything in the spool: needed when nothing else is named
  --dry-run      only say how many it would concern
`

export interface OrderValues extends SelectionValues {
  readonly config?: string
  readonly json?: boolean
  readonly all?: boolean
  readonly reason?: string
  readonly 'dry-run'?: boolean
  /** Only where a confirmation is wanted. */
  readonly yes?: boolean
}

export interface OrderRequest {
  readonly order: Order
  readonly values: OrderValues
  readonly ids: readonly string[]
  /** What is done, as a person is told: `deleted`. */
  readonly done: string
  /** When none is given and none shall be asked for. */
  readonly defaultReason: string | null
  /** Null: it is done without asking. Else what it means, in one sentence. */
  readonly warning: string | null
  /** Rejects with a CommandError when the order must not be given. */
  readonly prepare?: (config: Config) => Promise<void>
}

const maxReasonLength = 500
const maxShownCount = 10

/** Resolves to the exit code: 1 when the order concerned nobody. */
export async function carryOut(request: OrderRequest, io: CommandIo): Promise<number> {
  const { values, order, warning } = request
  const selection = selectionOf(values, request.ids, systemClock.now())
  checkSelection(selection, values)
  checkOptions(request, io)
  return await withQueue(values.config, io, async (queue) => {
    await request.prepare?.(queue.config)
    const audit = { by: whoAmI(io), atMs: queue.nowMs }
    if (values['dry-run'] === true) {
      const counted = queue.tools.give(order, selection, { ...audit, reason: '', dryRun: true })
      return report(request, counted, queue, io)
    }
    const isAsking = warning !== null && values.yes !== true
    const meant = isAsking ? preview(request, selection, queue, io) : selection
    if (meant === null) return report(request, { entryCount: 0, recipientCount: 0 }, queue, io)
    const reason = await reasonOf(request, io)
    if (isAsking) await confirm(io)
    const result = queue.tools.give(order, meant, { ...audit, reason, dryRun: false })
    return report(request, result, queue, io)
  })
}

function checkSelection(selection: Selection, values: OrderValues): void {
  if (isEverything(selection) && values.all !== true) {
    throw new UsageError('name ids or a condition such as --domain; --all means everything')
  }
  if (!isEverything(selection) && values.all === true) {
    throw new UsageError('--all means everything: it does not go with ids or conditions')
  }
}

/** Before anything is opened: what could not be asked for later. */
function checkOptions({ values, defaultReason, warning }: OrderRequest, io: CommandIo): void {
  if (values.reason !== undefined) checkReason(values.reason)
  if (values['dry-run'] === true || io.ask !== undefined) return
  if (values.reason === undefined && defaultReason === null) {
    throw new UsageError('--reason is missing: it is kept with the order')
  }
  if (warning !== null && values.yes !== true) {
    throw new UsageError('--yes is missing, and nobody is there to ask; see --dry-run')
  }
}

function checkReason(reason: string): void {
  if (reason.trim() === '') throw new UsageError('--reason: say why, in a few words')
  if (reason.length > maxReasonLength) {
    throw new UsageError(`--reason: at most ${maxReasonLength} characters`)
  }
}

async function reasonOf(request: OrderRequest, io: CommandIo): Promise<string> {
  const given = request.values.reason ?? request.defaultReason
  if (given !== null) return given
  const answer = await io.ask?.('Reason (is kept with the order): ')
  if (answer === null || answer === undefined) throw new CommandError('nothing was changed')
  checkReason(answer)
  return answer.trim()
}

/**
 * Shows what is meant and gives a selection of just these mails, since what comes in while a person
 * reads was not meant. Null: it would concern nobody.
 */
function preview(
  { order, warning, done }: OrderRequest,
  selection: Selection,
  { tools, nowMs }: Queue,
  io: CommandIo,
): Selection | null {
  const ids: string[] = []
  const lines: string[] = []
  let recipientCount = 0
  for (const entry of tools.entries(selection)) {
    const recipients = entry.recipients.filter((each) => fits(order, each))
    if (recipients.length === 0) continue
    ids.push(entry.id)
    recipientCount += recipients.length
    if (ids.length > maxShownCount) continue
    lines.push(entryLine(entry, nowMs))
    lines.push(...recipients.map((each) => `    ${recipientText(each, nowMs)}`))
  }
  if (ids.length === 0) return null
  if (ids.length > maxShownCount)
    lines.push(`… and ${count(ids.length - maxShownCount, 'mail')} more`)
  const total = countText({ recipientCount, entryCount: ids.length })
  lines.push(`${total} will be ${done}. ${warning ?? ''}`.trimEnd())
  io.stderr(lines.map((line) => `${line}\n`).join(''))
  return { ...selection, ids }
}

/** As the spool decides, of the orders that ask first. */
function fits(order: Order, recipient: SpoolRecipient): boolean {
  return order.kind !== 'move' || recipient.movedTo !== order.to
}

async function confirm(io: CommandIo): Promise<void> {
  const answer = await io.ask?.('Type yes to go on: ')
  if (answer?.trim().toLowerCase() !== 'yes') throw new CommandError('nothing was changed')
}

/** `alice (1000)`, `root (0), sudo by alice`. */
function whoAmI({ environment }: CommandIo): string {
  const sudoUser = environment['SUDO_USER']
  const sudo = sudoUser === undefined || sudoUser === '' ? '' : `, sudo by ${sudoUser}`
  return cleanLine(`${loginName()}${sudo}`, 200)
}

function loginName(): string {
  try {
    const { username, uid } = userInfo()
    return `${username} (${uid})`
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}` // not in the system's list of users
  }
}

function report(
  { order, done, values }: OrderRequest,
  result: OrderResult,
  { tools }: Queue,
  io: CommandIo,
): number {
  const isDryRun = values['dry-run'] === true
  const owner = tools.owner()
  const exitCode = result.recipientCount > 0 ? 0 : 1
  if (values.json === true) {
    printJson(io, { order: order.kind, dryRun: isDryRun, ...result, relay: ownerJson(owner) })
    return exitCode
  }
  const would = isDryRun ? 'would be ' : ''
  if (exitCode === 1) {
    io.stdout(`nothing in the spool fits: nothing ${isDryRun ? 'would be' : 'was'} ${done}\n`)
    return exitCode
  }
  io.stdout(`${countText(result)} ${would}${done}\n`)
  const isToBeTried = order.kind === 'flush' || order.kind === 'release' || order.kind === 'move'
  if (owner === null && isToBeTried && !isDryRun) {
    io.stderr('no relay runs on this spool: they are tried when it starts\n')
  }
  return exitCode
}
