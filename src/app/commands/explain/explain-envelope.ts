// Runs the stages of a session for one envelope, with the very functions the relay runs, and notes what
// each of them says.

import { systemClock } from '#base/clock.ts'
import { cleanLine } from '#base/text.ts'
import { formatDuration, formatSize } from '#base/units.ts'
import type { Config } from '#config/config.ts'
import { explainClient } from '#greeting/explain-client.ts'
import { judgeRecipient, type JudgedRecipient } from '#intake/intake.ts'
import type { RecipientRecord } from '#recipients/recipients.ts'
import { subjectOf } from '#recipients/subject.ts'
import type { Route, ServedDomain } from '#registry/registry.ts'
import { formatEndpoint } from '#registry/route.ts'
import {
  forwardPathText,
  reversePathText,
  type ForwardPath,
  type Mailbox,
  type ReversePath,
} from '#smtp/path.ts'
import type { MailParameters } from '#smtp/command.ts'
import { encodeReply } from '#smtp/reply.ts'
import { verdictReply } from '#verdict/replies.ts'
import { greetingRules, postmasterOf } from '#app/build.ts'
import { greetingError } from '#app/greeting-error.ts'
import { openToolbox, type Toolbox } from '#app/toolbox.ts'
import { explainRules, type ExplainedRules } from './explain-rules.ts'

export interface ExplainedEnvelope {
  readonly client: string | null
  readonly reversePath: ReversePath
  readonly forwardPath: ForwardPath
  readonly parameters: MailParameters
}

/** `text` is one line for people, cleaned. */
export interface ExplainedStep {
  readonly step:
    | 'client'
    | 'greeting'
    | 'sender'
    | 'rules'
    | 'domain'
    | 'route'
    | 'recipient'
    | 'answer'
  readonly text: string
}

export async function explainEnvelope(
  config: Config,
  envelope: ExplainedEnvelope,
): Promise<{ readonly steps: readonly ExplainedStep[]; readonly isAccepted: boolean }> {
  await using toolbox = await openToolbox(config)
  const steps: ExplainedStep[] = []
  const note = (step: ExplainedStep['step'], text: string): void => {
    steps.push({ step, text: cleanLine(text, 500) })
  }
  note('client', envelope.client ?? 'any client')
  const refusal = await noteGreeting(config, toolbox, envelope.client, note)
  noteSender(config, envelope, note)
  const mailbox = mailboxOf(config, envelope.forwardPath)
  const domain = mailbox === null ? undefined : toolbox.registry.find(mailbox.domain)
  noteDomain(domain, envelope.forwardPath, note)
  if (domain !== undefined) noteRoute(domain.calloutRoute, domain.route, note)
  if (domain !== undefined && mailbox !== null) noteMemory(toolbox, domain, mailbox, note)
  using rules = explainRules(config, toolbox.resolver, envelope, (text) => note('rules', text))
  const judged = await judge(config, toolbox, envelope, rules)
  note('recipient', verdictText(judged))
  note('answer', refusal ?? answerText(judged, envelope.forwardPath))
  return { steps, isAccepted: refusal === null && judged.verdict.kind === 'accept' }
}

type Note = (step: ExplainedStep['step'], text: string) => void

/** The reply in place of the banner, if there is one. */
async function noteGreeting(
  config: Config,
  { resolver }: Toolbox,
  client: string | null,
  note: Note,
): Promise<string | null> {
  if (client === null) return null
  const { hostname, state: folder } = config
  const rules = greetingRules(() => config)()
  const options = { rules, hostname, resolver, clock: systemClock, folder }
  const { lines, refusal } = await explainClient(client, options).catch((error: unknown) => {
    throw greetingError(error)
  })
  for (const line of lines) note('greeting', line)
  return refusal
}

function noteSender(config: Config, envelope: ExplainedEnvelope, note: Note): void {
  const { reversePath, parameters } = envelope
  const sender =
    reversePath.kind === 'null' ? '<> (null reverse-path)' : reversePathText(reversePath)
  const size =
    parameters.sizeBytes === null
      ? 'no size declared'
      : `${formatSize(parameters.sizeBytes)} of at most ${formatSize(config.limits.maxMessageBytes)}`
  note('sender', `${sender}: accepted, ${size}`)
}

function mailboxOf(config: Config, path: ForwardPath): Mailbox | null {
  return path.kind === 'mailbox' ? path.mailbox : postmasterOf(config)
}

function noteDomain(domain: ServedDomain | undefined, path: ForwardPath, note: Note): void {
  if (domain === undefined) {
    note('domain', `${forwardPathText(path)}: its domain is not served here (pforte domain list)`)
    return
  }
  const { maxMessageBytes } = domain.profile
  const limit = maxMessageBytes === null ? '' : `, at most ${formatSize(maxMessageBytes)}`
  const state = domain.suspension === null ? 'served' : `suspended (${domain.suspension.reason})`
  note('domain', `${domain.domain}: ${state}${limit}`)
}

function noteRoute(callout: Route, route: Route, note: Note): void {
  note('route', `mail goes to ${routeText(route)}`)
  if (callout.id !== route.id) note('route', `recipients are asked at ${routeText(callout)}`)
}

function routeText(route: Route): string {
  return `${route.endpoints.map(formatEndpoint).join(', ')} (tls ${route.tls})`
}

function noteMemory(toolbox: Toolbox, domain: ServedDomain, mailbox: Mailbox, note: Note): void {
  const record = toolbox.recipients.show(subjectOf(domain, mailbox))
  note('recipient', record === undefined ? 'nothing is remembered' : memoryText(record))
}

function memoryText(record: RecipientRecord): string {
  const seconds = Math.round((systemClock.now() - record.checkedAtMs) / 1000)
  const age = formatDuration(Math.max(0, seconds) * 1000)
  const said =
    record.reply === '' ? '' : `, ${record.nextHop?.server ?? 'the server'} said: ${record.reply}`
  return `remembered: ${record.outcome} by ${record.source}, ${age} ago${said}`
}

async function judge(
  config: Config,
  toolbox: Toolbox,
  envelope: ExplainedEnvelope,
  rules: ExplainedRules,
): Promise<JudgedRecipient> {
  const options = {
    registry: toolbox.registry,
    recipients: toolbox.recipients,
    hostname: config.hostname,
    postmaster: postmasterOf(config),
    maxMessageBytes: config.limits.maxMessageBytes,
    mailRules: rules.judge,
    isRoutingAccepted: config.smtp.routedRecipients === 'accept',
  }
  return await judgeRecipient(options, envelope.forwardPath, envelope.parameters, [])
}

function verdictText(judged: JudgedRecipient): string {
  const { verdict, source, tookMs } = judged
  const how =
    source === null
      ? 'no question needed'
      : source === 'live'
        ? `asked now, ${Math.round(tookMs)} ms`
        : `from ${source}`
  return verdict.kind === 'accept'
    ? `accept (${how})`
    : `${verdict.kind}: ${verdict.reason.kind} (${how})`
}

function answerText(judged: JudgedRecipient, path: ForwardPath): string {
  if (judged.verdict.kind === 'accept') return '250 2.1.5 Ok'
  return encodeReply(verdictReply(judged.verdict, `<${forwardPathText(path)}>: `, '')).trimEnd()
}
