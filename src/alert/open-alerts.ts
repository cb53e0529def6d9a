// Puts the alerts together: collects held mail, queues mails and webhook calls, says what became of them.

import type { Clock } from '#base/clock.ts'
import { createTraceIds } from '#base/trace-id.ts'
import type { NextHops } from '#nexthop/nexthop.ts'
import type { Registry } from '#registry/registry.ts'
import type { Mailbox } from '#smtp/path.ts'
import type { AlertEvent, AlertFault, Alerts } from './alert.ts'
import { HeldCollector } from './held-digest.ts'
import type { Notice } from './notice.ts'
import { levelOf, skipped, tellByMail } from './tell-by-mail.ts'
import { webhookBody } from './webhook-body.ts'
import { postWebhook } from './webhook.ts'
import { WorkQueue } from './work-queue.ts'

export interface AlertOptions {
  readonly hostname: string
  /** The operator's mailbox, reverse-path of every alert mail; asked anew each time. Null: no mail. */
  readonly postmaster: () => Mailbox | null
  readonly isMailSent: boolean
  /** http or https; null: none. */
  readonly webhook: string | null
  /** Shortest time between two digests of held mail of one domain. */
  readonly digestMs: number
  readonly times: AlertTimes
  readonly registry: Pick<Registry, 'find'>
  readonly nextHops: NextHops
  readonly clock: Clock
  /** 0 ≤ value < 1. */
  readonly random: () => number
  readonly emit: (event: AlertEvent | AlertFault) => void
}

export interface AlertTimes {
  /** From the first held mail of a domain to its first digest. */
  readonly collectMs: number
  /** Budget of one alert mail. */
  readonly mailTimeoutMs: number
  /** Of one attempt. */
  readonly webhookTimeoutMs: number
  /** Before each further attempt. */
  readonly webhookPausesMs: readonly number[]
}

/** Held mails come in waves of seconds; people who read alerts do not count in seconds. */
export const usualAlertTimes: AlertTimes = {
  collectMs: 30_000,
  mailTimeoutMs: 60_000,
  webhookTimeoutMs: 10_000,
  webhookPausesMs: [1000, 5000],
}

/** Some hundred domains can be in trouble at once, each with two levels. */
const maxWaitingCount = 1000
/** A slow server of one operator must not hold up the alerts to all others. */
const maxRunningMailCount = 4

export function openAlerts(options: AlertOptions): Alerts {
  const { emit, isMailSent, webhook, digestMs, times } = options
  const mails = isMailSent ? openMails(options) : null
  const calls = webhook === null ? null : openCalls(options, webhook)
  const tell = (notice: Notice): void => {
    mails?.push(notice)
    calls?.push(notice)
  }
  const held = new HeldCollector({ collectMs: times.collectMs, digestMs, tell })
  return {
    raise: (alert) => {
      emit({ kind: 'alert-raised', alert })
      if (alert.kind === 'mail-held') held.add(alert)
      else tell(alert)
    },
    close: async (graceMs) => {
      held.close()
      await Promise.all([mails?.close(graceMs), calls?.close(graceMs)])
    },
  }
}

function openMails(options: AlertOptions): WorkQueue<Notice> {
  const { emit, clock, times } = options
  const told = {
    ...options,
    mailTimeoutMs: times.mailTimeoutMs,
    now: clock.now,
    nextId: createTraceIds(clock.now, options.random),
  }
  return new WorkQueue({
    maxWaitingCount,
    maxRunningCount: maxRunningMailCount,
    work: (notice, signal) => tellByMail(notice, told, signal),
    onDropped: (notice) => emit(skipped(notice, levelOf(notice), null, 'dropped')),
    onFault: (cause) => emit(fault('an alert could not be sent as mail', cause)),
  })
}

function openCalls(options: AlertOptions, url: string): WorkQueue<Notice> {
  const { hostname, clock, times, emit } = options
  const webhook = {
    url,
    timeoutMs: times.webhookTimeoutMs,
    pausesMs: times.webhookPausesMs,
    monotonicMs: clock.monotonicMs,
  }
  return new WorkQueue<Notice>({
    maxWaitingCount,
    maxRunningCount: 1, // in order, as a chat shows them
    work: async (notice, signal) => {
      const { kind: alert, domain } = notice
      const result = await postWebhook(webhookBody(notice, hostname, clock.now()), webhook, signal)
      if (result.kind === 'sent') {
        const { attemptCount, tookMs } = result
        emit({ kind: 'alert-webhook-sent', alert, domain, attemptCount, tookMs })
      } else {
        const { attemptCount, detail } = result
        emit({ kind: 'alert-webhook-failed', alert, domain, attemptCount, detail })
      }
    },
    onDropped: ({ kind: alert, domain }) => {
      const detail = 'dropped: too many alerts wait, or the relay ends'
      emit({ kind: 'alert-webhook-failed', alert, domain, attemptCount: 0, detail })
    },
    onFault: (cause) => emit(fault('an alert could not be given to the webhook', cause)),
  })
}

function fault(doing: string, cause: unknown): AlertFault {
  return { kind: 'internal-error', session: null, error: new Error(doing, { cause }) }
}
