// From the configuration to the options of the modules: the one place that knows both.

import type { Deadlines } from '#base/deadlines.ts'
import { systemClock } from '#base/clock.ts'
import type { Config } from '#config/config.ts'
import { parseNetwork, type Network } from '#base/network.ts'
import type { DeliveryOptions } from '#delivery/delivery.ts'
import type { Resolver } from '#dns/dns.ts'
import type { GreetingRules } from '#greeting/greeting.ts'
import type { SessionLimits } from '#intake/intake.ts'
import type { PurposeOptions, TargetOptions } from '#nexthop/target.ts'
import type { NextHopEvent, NextHops } from '#nexthop/nexthop.ts'
import type { RecipientOptions } from '#recipients/open-recipients.ts'
import type {
  RecipientEvent,
  RecipientFault,
  RecipientQuery,
  Recipients,
} from '#recipients/recipients.ts'
import { subjectLocal } from '#recipients/subject.ts'
import type { SessionRules } from '#session/session.ts'
import { parseMailbox } from '#smtp/parse-path.ts'
import type { Mailbox } from '#smtp/path.ts'
import { objectionTo } from './destinations.ts'
import type { Toolbox } from './toolbox.ts'

export function nextHopOptions(
  config: Config,
  parts: {
    readonly resolver: Resolver
    readonly deadlines: Deadlines
    readonly ca: readonly string[] | null
    readonly emit: (event: NextHopEvent) => void
  },
): TargetOptions {
  const { verification } = config
  return {
    ...parts,
    hostname: config.hostname,
    objectionTo: objectionTo(config),
    question: questionOptions(config),
    handover: handoverOptions(config),
    breakerFailureCount: verification.breakerFailureCount,
    breakerRecoveryMs: verification.breakerRecoveryMs,
    now: systemClock.now,
    monotonicMs: systemClock.monotonicMs,
  }
}

function questionOptions({ verification }: Config): PurposeOptions {
  const { commandTimeoutMs } = verification
  return {
    maxConnectionCount: verification.maxConnectionCount,
    maxWaitingCount: verification.maxWaitingCount,
    maxUsesPerConnection: verification.maxQuestionsPerConnection,
    maxRefusalsPerConnection: verification.maxRefusalsPerConnection,
    connectTimeoutMs: verification.connectTimeoutMs,
    timeouts: {
      commandMs: commandTimeoutMs,
      contentMs: commandTimeoutMs, // a question has no content
      finalMs: commandTimeoutMs,
      idleMs: verification.idleCloseMs,
    },
  }
}

function handoverOptions({ handover }: Config): PurposeOptions {
  return {
    maxConnectionCount: handover.maxConnectionCount,
    maxWaitingCount: handover.maxWaitingCount,
    maxUsesPerConnection: handover.maxMailsPerConnection,
    connectTimeoutMs: handover.connectTimeoutMs,
    timeouts: {
      commandMs: handover.commandTimeoutMs,
      contentMs: handover.contentTimeoutMs,
      finalMs: handover.finalTimeoutMs,
      idleMs: handover.idleCloseMs,
    },
  }
}

export function recipientOptions(
  config: Config,
  nextHops: NextHops,
  emit: (event: RecipientEvent | RecipientFault) => void,
): RecipientOptions {
  return {
    ...config.verification,
    nextHops,
    folder: config.state,
    clock: systemClock,
    random: Math.random,
    emit,
  }
}

/** Another object for another configuration, and only then: the stage takes that for a change. */
export function greetingRules(config: () => Config): () => GreetingRules {
  let built = { from: config().greeting, rules: buildGreetingRules(config()) }
  return () => {
    const { greeting } = config()
    if (built.from !== greeting) built = { from: greeting, rules: buildGreetingRules(config()) }
    return built.rules
  }
}

function buildGreetingRules({ greeting }: Config): GreetingRules {
  const { access } = greeting
  return {
    ...greeting,
    exempt: networks(greeting.exempt),
    access: { ...access, allow: networks(access.allow), deny: networks(access.deny) },
  }
}

/** The configuration has been checked: every text is a network. */
function networks(texts: readonly string[]): readonly Network[] {
  return texts.flatMap((text) => {
    const network = parseNetwork(text)
    return network.ok ? [network.value] : []
  })
}

/** A pin, a list or a server has said yes. */
export function isKnownRecipient(recipients: Recipients): (query: RecipientQuery) => boolean {
  return ({ domain, mailbox }) => {
    const local = subjectLocal(domain.subaddressSeparator, mailbox.local)
    const record = recipients.show({ ...mailbox, local })
    return record?.outcome === 'deliverable' || record?.standing?.outcome === 'deliverable'
  }
}

/** A person has said yes, whatever the server says. `address`: without angle brackets. */
export function isPinned(recipients: Recipients): (address: string, nowMs: number) => boolean {
  return (address, nowMs) => {
    const mailbox = parseMailbox(address)
    const record = mailbox.ok ? recipients.show(mailbox.value) : undefined
    return (record?.validUntilMs ?? 0) > nowMs
  }
}

export function sessionLimits(config: Config, isTlsOffered: boolean): SessionLimits {
  const { limits } = config
  return {
    rules: sessionRules(config, isTlsOffered),
    timeouts: {
      commandMs: limits.commandTimeoutMs,
      dataMs: limits.dataTimeoutMs,
      minBytesPerSecond: limits.minDataRateBytes,
      sessionMs: limits.sessionTimeoutMs,
    },
  }
}

/** Never more than what holds without strain. */
export function strainedLimits({ load }: Config, usual: SessionLimits): SessionLimits {
  const { rules, timeouts } = usual
  const { strainedTimeoutMs, strainedErrorCount } = load
  return {
    rules: {
      ...rules,
      maxErrorCount: Math.min(rules.maxErrorCount, strainedErrorCount),
      maxIdleCommandCount: Math.min(rules.maxIdleCommandCount, strainedErrorCount),
    },
    timeouts: {
      ...timeouts,
      commandMs: Math.min(timeouts.commandMs, strainedTimeoutMs),
      dataMs: Math.min(timeouts.dataMs, strainedTimeoutMs),
    },
  }
}

function sessionRules(config: Config, isTlsOffered: boolean): SessionRules {
  const { limits, smtp } = config
  return {
    hostname: config.hostname,
    isTlsOffered,
    isChunkingOffered: smtp.isChunkingOffered,
    isPipeliningEnforced: smtp.unauthorizedPipelining === 'reject',
    maxMessageBytes: limits.maxMessageBytes,
    maxRecipientCount: limits.maxRecipientCount,
    maxTransactionCount: limits.maxTransactionCount,
    maxErrorCount: limits.maxErrorCount,
    maxCommandCount: limits.maxCommandCount,
    maxIdleCommandCount: limits.maxIdleCommandCount,
    unknownRecipientDelayAfterCount: limits.unknownRecipientDelayAfterCount,
    unknownRecipientDelayMs: limits.unknownRecipientDelayMs,
    maxUnknownRecipientCount: limits.maxUnknownRecipientCount,
  }
}

export function deliveryOptions(
  config: Config,
  parts: Pick<Toolbox, 'registry' | 'nextHops' | 'recipients'> &
    Pick<DeliveryOptions, 'spool' | 'raise' | 'emit'>,
): DeliveryOptions {
  const { delivery, handover } = config
  const { recipients } = parts
  return {
    ...delivery,
    spool: parts.spool,
    registry: parts.registry,
    nextHops: parts.nextHops,
    raise: parts.raise,
    emit: parts.emit,
    onRecipientReply: recipients.learn,
    clock: systemClock,
    random: Math.random,
    schedule: delivery,
    attemptBudgetMs: handover.finalTimeoutMs,
  }
}

/** The mailbox of the relay's own postmaster; the configuration has been checked, so null means unset. */
export function postmasterOf(config: Config): Mailbox | null {
  const mailbox = config.postmaster === null ? null : parseMailbox(config.postmaster)
  return mailbox?.ok === true ? mailbox.value : null
}
