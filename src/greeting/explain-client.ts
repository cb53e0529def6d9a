// What the stage would do with a client, for people: the same lists, the same score, nothing counted and
// nothing remembered. What the running relay counts is its own.

import type { Clock } from '#base/clock.ts'
import type { Resolver } from '#dns/dns.ts'
import { formatDuration } from '#base/units.ts'
import { reject, type Rejection } from '#verdict/verdict.ts'
import { ListAsker, tooLate } from './ask-lists.ts'
import { listedVerdict, memoryKey } from './client-tests.ts'
import type { CheckMode, GreetingRules } from './greeting.ts'
import { Lists } from './lists.ts'
import { openMemory, type Passes } from './memory.ts'
import { networkOf } from './places.ts'
import { greetingReply } from './refusal.ts'

export interface ExplainOptions {
  readonly rules: GreetingRules
  readonly hostname: string
  readonly resolver: Pick<Resolver, 'familyAddresses'>
  readonly clock: Clock
  readonly folder: string | null
}

export interface ExplainedClient {
  /** One a check, not cleaned. */
  readonly lines: readonly string[]
  /** The reply in place of the banner; null: it gets a banner. */
  readonly refusal: string | null
}

/** Throws an AccessFileError when the file of networks cannot be read. Asks the lists on the DNS now. */
export async function explainClient(
  address: string,
  options: ExplainOptions,
): Promise<ExplainedClient> {
  const { rules, hostname } = options
  const place = new Lists(rules, () => undefined).places.find(address)
  const lines: string[] = []
  let refusal: string | null = null
  const failed = (mode: CheckMode, verdict: Rejection): string => {
    const reply = greetingReply(hostname, verdict).trimEnd()
    if (mode === 'enforce') refusal ??= reply
    return mode === 'enforce' ? reply : `would get ${reply}`
  }
  if (place.standing === 'exempt') {
    return { lines: [`exempt by ${place.entry}: no limits, no tests`], refusal }
  }
  if (place.standing === 'deny') {
    const verdict = reject({ kind: 'client-denied', client: address })
    const { mode } = rules.access
    const text = mode === 'off' ? 'greeting.access is off' : failed(mode, verdict)
    lines.push(`denied by ${place.entry}: ${text}`)
  }
  lines.push(limitsText('connections at a time', address, rules.connections))
  lines.push(limitsText('connections a minute', address, rules.rate))
  if (place.standing === 'allow') {
    return { lines: [...lines, `allowed by ${place.entry}: no tests`], refusal }
  }
  const passes = passesOf(address, options)
  lines.push(pregreetText(rules, passes, options.clock.now()))
  lines.push(await listsText(address, options, passes, failed))
  return { lines, refusal }
}

function limitsText(what: string, address: string, limits: GreetingRules['connections']): string {
  const { mode, maxPerAddressCount, maxPerNetworkCount } = limits
  if (mode === 'off') return `${what}: not limited`
  const text = (count: number): string => (count === 0 ? 'any number' : `at most ${count}`)
  const network = networkOf(address)
  return (
    `${what}: ${text(maxPerAddressCount)} of ${address}, ` +
    `${text(maxPerNetworkCount)} of ${network} (${mode})`
  )
}

function passesOf(address: string, { rules, clock, folder }: ExplainOptions): Passes | null {
  if (rules.pregreet.mode === 'off' && rules.dnsbl.mode === 'off') return null
  const memory = openMemory({ folder, clock, maxCount: () => 100, onFailure: () => undefined })
  try {
    return memory.find(memoryKey(address))
  } finally {
    memory.close()
  }
}

function pregreetText({ pregreet }: GreetingRules, passes: Passes | null, nowMs: number): string {
  if (pregreet.mode === 'off') return 'banner: at once'
  const leftMs = (passes?.pregreetUntilMs ?? 0) - nowMs
  if (leftMs > 0) return `banner: at once; it is known for ${wholeMinutes(leftMs)}`
  return `banner: after ${formatDuration(pregreet.delayMs)}; it is not known (${pregreet.mode})`
}

async function listsText(
  address: string,
  { rules, resolver, clock }: ExplainOptions,
  passes: Passes | null,
  failed: (mode: CheckMode, verdict: Rejection) => string,
): Promise<string> {
  const { mode, zones, threshold, timeoutMs } = rules.dnsbl
  if (mode === 'off' || zones.length === 0) return 'lists on the DNS: none is asked'
  const asking = new AbortController()
  const timer = setTimeout(() => asking.abort(tooLate), timeoutMs)
  const asker = new ListAsker({ resolver, clock, emit: () => undefined })
  const inquiry = asker.ask(address, zones, asking.signal)
  await inquiry.done
  clearTimeout(timer)
  const score = inquiry.score()
  const silent = inquiry.failedZones()
  const facts = [
    `score ${score.score} of ${threshold}`,
    ...(score.zones.length > 0 ? [`on ${score.zones.join(', ')}`] : []),
    ...(silent.length > 0 ? [`no answer of ${silent.join(', ')}`] : []),
  ].join(', ')
  const text = `lists on the DNS: ${facts} (${mode})`
  if (score.score < threshold) return text
  const leftMs = (passes?.dnsblUntilMs ?? 0) - clock.now()
  if (leftMs > 0)
    return `${text}; it passed before and is looked up again in ${wholeMinutes(leftMs)}`
  return `${text}: ${failed(mode, listedVerdict(address, score))}`
}

function wholeMinutes(ms: number): string {
  return formatDuration(Math.max(1, Math.round(ms / 60_000)) * 60_000)
}
