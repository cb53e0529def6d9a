// One notice as mail to everybody it concerns, and an event for each of them.

import type { NextHops } from '#nexthop/nexthop.ts'
import type { Registry } from '#registry/registry.ts'
import { encodeMailbox, type Mailbox } from '#smtp/path.ts'
import { addresseesOf, type Addressee } from './addressees.ts'
import type { AlertEvent, AlertLevel, SkipReason } from './alert.ts'
import { alertText } from './alert-text.ts'
import { encodeMail } from './encode-mail.ts'
import type { Notice } from './notice.ts'
import { sendMail } from './send-mail.ts'

export interface TellByMailOptions {
  readonly hostname: string
  /** Asked when the mail is to go. Null: there is nothing to send with. */
  readonly postmaster: () => Mailbox | null
  readonly registry: Pick<Registry, 'find'>
  readonly nextHops: NextHops
  /** Budget of one mail. */
  readonly mailTimeoutMs: number
  readonly now: () => number
  readonly nextId: () => string
  readonly emit: (event: AlertEvent) => void
}

/** Ends soon after the signal. */
export async function tellByMail(
  notice: Notice,
  options: TellByMailOptions,
  signal: AbortSignal,
): Promise<void> {
  const { registry, nextHops, emit } = options
  const postmaster = options.postmaster()
  if (postmaster === null) {
    emit(skipped(notice, levelOf(notice), null, 'no-postmaster'))
    return
  }
  for (const addressee of addresseesOf(notice, { registry, nextHops, postmaster })) {
    if (addressee.kind === 'reachable') {
      emit(await send(notice, addressee, { ...options, from: postmaster }, signal))
    } else {
      emit(skipped(notice, addressee.audience, addressee.mailbox, addressee.reason))
    }
  }
}

/** Who has to know at last. */
export function levelOf(notice: Notice): AlertLevel {
  return notice.kind === 'mail-delayed' ? notice.level : 'operator'
}

export function skipped(
  { kind, domain }: Notice,
  audience: AlertLevel,
  mailbox: Mailbox | null,
  reason: SkipReason,
): AlertEvent {
  const recipient = mailbox === null ? null : encodeMailbox(mailbox)
  return { kind: 'alert-mail-skipped', alert: kind, domain, audience, recipient, reason }
}

async function send(
  notice: Notice,
  addressee: Extract<Addressee, { kind: 'reachable' }>,
  options: TellByMailOptions & { readonly from: Mailbox },
  signal: AbortSignal,
): Promise<AlertEvent> {
  const { hostname, from, now, nextId, nextHops, mailTimeoutMs } = options
  const { audience, mailbox: to, domain } = addressee
  const messageId = `alert.${nextId()}@${hostname}`
  const facts = { hostname, from, to, messageId, atMs: now() }
  const content = encodeMail(alertText(notice, hostname), facts)
  const within = { signal, budgetMs: mailTimeoutMs, precedence: 'spool' } as const
  const result = await sendMail(nextHops, { from, to, domain, content }, within)
  const { outcome, server, text, tookMs } = result
  const recipient = encodeMailbox(to)
  const about = {
    alert: notice.kind,
    domain: notice.domain,
    audience,
    recipient,
    messageId,
    server,
  }
  return outcome === 'relayed'
    ? { kind: 'alert-mail-sent', ...about, reply: text, tookMs }
    : { kind: 'alert-mail-failed', ...about, detail: text }
}
