// `greylist show`, `forget` and `allow`: one triple, or one network.

import { systemClock } from '#base/clock.ts'
import type { PolicyConfig } from '#config/config.ts'
import { CommandError, parseArguments, type Command } from '#app/command.ts'
import { configOptionUsage } from '#app/command-config.ts'
import { printJson } from '#app/commands/domain/print.ts'
import { timeText } from '#app/commands/recipient/print.ts'
import type { GreylistTools } from '#greylist/greylist-tools.ts'
import {
  commonOptions,
  subjectOf,
  subjectText,
  subjectUsage,
  withGreylist,
  type Subject,
} from './with-greylist.ts'

type Rules = PolicyConfig['greylisting']

/** What is known, as facts in the order they are told; null: nothing is. */
type Facts = Readonly<Record<string, string | number>> | null

export const showCommand: Command = {
  summary: 'show what is known of a network or a triple',
  usage: `Usage: pforte greylist show CLIENT [SENDER RECIPIENT]

${subjectUsage}Notes nothing. Exit code 1 when nothing is known. What all mail rules would say
of a mail: pforte explain.

${configOptionUsage}  --json         one JSON object, or null
`,
  run: async (args, io) => {
    const { values, positionals } = parseArguments(args, {
      options: commonOptions,
      allowPositionals: true,
    })
    const subject = subjectOf(positionals)
    return await withGreylist({ config: values.config, io }, (tools, { policy }) => {
      const facts = factsOf(tools, subject, policy.greylisting)
      if (values.json === true) printJson(io, facts)
      else if (facts === null) io.stdout(`Nothing is known of ${subjectText(subject)}.\n`)
      else {
        const lines = Object.entries(facts).map(([name, fact]) => `  ${name.padEnd(7)} ${fact}\n`)
        io.stdout(`${subjectText(subject)}\n${lines.join('')}`)
      }
      return facts === null ? 1 : 0
    })
  },
}

export const forgetCommand: Command = {
  summary: 'forget a network or a triple, which has to wait again',
  usage: `Usage: pforte greylist forget CLIENT [SENDER RECIPIENT]

${subjectUsage}Of a network it is forgotten how many of its triples have passed; these stay
known. Exit code 1 when nothing was known.

${configOptionUsage}  --json         one JSON object: subject, wasKnown
`,
  run: async (args, io) => {
    const { values, positionals } = parseArguments(args, {
      options: commonOptions,
      allowPositionals: true,
    })
    const subject = subjectOf(positionals)
    return await withGreylist({ config: values.config, io }, (tools) => {
      const wasKnown =
        subject.kind === 'network'
          ? tools.forgetNetwork(subject.clientAddress)
          : tools.forgetTriple(subject.attempt)
      const text = subjectText(subject)
      if (values.json === true) printJson(io, { subject: text, wasKnown })
      else io.stdout(`${text}: ${wasKnown ? 'forgotten' : 'nothing was known'}\n`)
      return wasKnown ? 0 : 1
    })
  },
}

export const allowCommand: Command = {
  summary: 'let a network or a triple pass as if it had come back',
  usage: `Usage: pforte greylist allow CLIENT [SENDER RECIPIENT]

${subjectUsage}It need not wait any more, until nobody has seen it for
policy.greylisting.memory; for ever is a line in policy.exceptions.

${configOptionUsage}  --json         one JSON object: subject, allowedUntil
`,
  run: async (args, io) => {
    const { values, positionals } = parseArguments(args, {
      options: commonOptions,
      allowPositionals: true,
    })
    const subject = subjectOf(positionals)
    return await withGreylist({ config: values.config, io }, (tools, { policy }) => {
      const nowMs = systemClock.now()
      allow(tools, subject, policy.greylisting, nowMs)
      const allowedUntil = timeText(nowMs + policy.greylisting.memoryMs)
      const text = subjectText(subject)
      if (values.json === true) printJson(io, { subject: text, allowedUntil })
      else io.stdout(`${text}: need not wait until ${allowedUntil}, or longer while it is seen\n`)
      return 0
    })
  },
}

function allow(tools: GreylistTools, subject: Subject, rules: Rules, nowMs: number): void {
  if (subject.kind === 'triple') {
    tools.allowTriple(subject.attempt, nowMs)
    return
  }
  if (rules.allowAfterCount === 0) {
    throw new CommandError(
      'policy.greylisting.allowAfter is 0, so no network is ever known; write it into policy.exceptions',
    )
  }
  tools.allowNetwork(subject.clientAddress, rules.allowAfterCount, nowMs)
}

function factsOf(tools: GreylistTools, subject: Subject, rules: Rules): Facts {
  return subject.kind === 'network'
    ? networkFacts(tools, subject.clientAddress, rules)
    : tripleFacts(tools, subject.attempt, rules)
}

function networkFacts(tools: GreylistTools, clientAddress: string, rules: Rules): Facts {
  const network = tools.findNetwork(clientAddress)
  if (network === undefined) return null
  const { passedCount, seenAtMs } = network
  const untilMs = seenAtMs + rules.memoryMs
  const isKnown = rules.allowAfterCount > 0 && passedCount >= rules.allowAfterCount
  return {
    state: isKnown && systemClock.now() <= untilMs ? 'known' : 'waits',
    passed: passedCount,
    seen: timeText(seenAtMs),
    ...(isKnown && { until: timeText(untilMs) }),
  }
}

function tripleFacts(
  tools: GreylistTools,
  attempt: Extract<Subject, { readonly kind: 'triple' }>['attempt'],
  rules: Rules,
): Facts {
  const triple = tools.findTriple(attempt)
  if (triple === undefined) return null
  const { firstAtMs, passedAtMs, seenAtMs } = triple
  const isOld = passedAtMs !== null && systemClock.now() - seenAtMs > rules.memoryMs
  return {
    state: passedAtMs === null || isOld ? 'waits' : 'known',
    first: timeText(firstAtMs),
    ...(passedAtMs === null
      ? { due: timeText(firstAtMs + rules.delayMs) }
      : { passed: timeText(passedAtMs), seen: timeText(seenAtMs) }),
  }
}
