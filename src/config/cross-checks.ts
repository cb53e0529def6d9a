// What no single key can get wrong: values that contradict each other.

import { formatDuration, formatSize } from '#base/units.ts'
import type { Config } from './config.ts'

/** `keys`: those involved, as written in the file; the first that stands there is shown as the place. */
export interface Contradiction {
  readonly keys: readonly string[]
  readonly text: string
}

export function findContradictions(config: Config): readonly Contradiction[] {
  return [
    ...contradictingDurations(config),
    ...contradictingLimits(config),
    ...listenTwice(config),
    ...openMetrics(config),
  ]
}

/** EHLO, STARTTLS, EHLO, MAIL, DATA, and some to spare. */
const commandsBesideRecipients = 10

/** `short` must be less than `long` (or at most, with `orEqual`). */
interface Order {
  readonly short: readonly [key: string, valueMs: number]
  readonly long: readonly [key: string, valueMs: number]
  readonly orEqual: boolean
}

function contradictingDurations({
  verification,
  limits,
  delivery,
}: Config): readonly Contradiction[] {
  const fresh = ['verification.positiveFresh', verification.positiveFreshMs] as const
  const refresh = ['verification.positiveRefresh', verification.positiveRefreshMs] as const
  const stale = ['verification.positiveStale', verification.positiveStaleMs] as const
  const negativeFresh = ['verification.negativeFresh', verification.negativeFreshMs] as const
  const negativeLimit = ['verification.negativeLimit', verification.negativeLimitMs] as const
  const total = ['verification.totalTimeout', verification.totalTimeoutMs] as const
  const connect = ['verification.connectTimeout', verification.connectTimeoutMs] as const
  const command = ['verification.commandTimeout', verification.commandTimeoutMs] as const
  const clientCommand = ['limits.commandTimeout', limits.commandTimeoutMs] as const
  const clientData = ['limits.dataTimeout', limits.dataTimeoutMs] as const
  const session = ['limits.sessionTimeout', limits.sessionTimeoutMs] as const
  const institute = ['delivery.alertInstituteAfter', delivery.alertInstituteAfterMs] as const
  const operator = ['delivery.alertOperatorAfter', delivery.alertOperatorAfterMs] as const
  const orders: readonly Order[] = [
    { short: institute, long: operator, orEqual: true },
    { short: refresh, long: fresh, orEqual: false },
    { short: fresh, long: stale, orEqual: false },
    { short: negativeFresh, long: negativeLimit, orEqual: true },
    { short: connect, long: total, orEqual: true },
    { short: command, long: total, orEqual: true },
    { short: clientCommand, long: session, orEqual: true },
    { short: clientData, long: session, orEqual: true },
  ]
  return orders.filter(isBroken).map(({ short, long, orEqual }) => ({
    keys: [short[0], long[0]],
    text:
      `${short[0]} (${formatDuration(short[1])}) must be ${orEqual ? 'at most' : 'shorter than'} ` +
      `${long[0]} (${formatDuration(long[1])})`,
  }))
}

function isBroken({ short, long, orEqual }: Order): boolean {
  return orEqual ? short[1] > long[1] : short[1] >= long[1]
}

function contradictingLimits({ limits }: Config): readonly Contradiction[] {
  const found: Contradiction[] = []
  if (limits.maxContentInMemoryBytes > limits.maxTotalContentInMemoryBytes) {
    const one = formatSize(limits.maxContentInMemoryBytes)
    const all = formatSize(limits.maxTotalContentInMemoryBytes)
    found.push({
      keys: ['limits.maxContentInMemory', 'limits.maxTotalContentInMemory'],
      text: `limits.maxContentInMemory (${one}) must be at most limits.maxTotalContentInMemory (${all})`,
    })
  }
  const commands = limits.maxCommandCount
  if (commands < limits.maxRecipientCount + commandsBesideRecipients) {
    found.push({
      keys: ['limits.maxCommands', 'limits.maxRecipients'],
      text:
        `limits.maxCommands (${commands}) must be at least limits.maxRecipients ` +
        `(${limits.maxRecipientCount}) and ${commandsBesideRecipients} more, or such mails never get through`,
    })
  }
  const after = limits.unknownRecipientDelayAfterCount
  if (after > limits.maxUnknownRecipientCount) {
    found.push({
      keys: ['limits.unknownRecipientDelayAfter', 'limits.maxUnknownRecipients'],
      text:
        `limits.unknownRecipientDelayAfter (${after}) must be at most ` +
        `limits.maxUnknownRecipients (${limits.maxUnknownRecipientCount}), or no delay ever happens`,
    })
  }
  return found
}

/** Two listeners on one address and port. Port 0 is another port each time. */
function listenTwice(config: Config): readonly Contradiction[] {
  const metrics = config.metrics.listen
  const places = config.listen.map((place, index) => ({ key: `listen.${index}`, place }))
  if (metrics !== null) places.push({ key: 'metrics.listen', place: metrics })
  const firstKey = new Map<string, string>()
  const found: Contradiction[] = []
  for (const { key, place } of places) {
    if (place.port === 0) continue
    const name = `${place.address} port ${place.port}`
    const first = firstKey.get(name)
    if (first === undefined) firstKey.set(name, key)
    else found.push({ keys: [key], text: `${name} is already taken by ${first}` })
  }
  return found
}

function openMetrics({ metrics }: Config): readonly Contradiction[] {
  const address = metrics.listen?.address
  if (address === undefined || isLoopback(address)) return []
  return [
    {
      keys: ['metrics.listen.address'],
      text:
        `metrics are open to whoever can connect, so they may only listen on loopback, not on ` +
        `${address}; use 127.0.0.1 or "::1" and put a proxy with access control before it`,
    },
  ]
}

function isLoopback(address: string): boolean {
  // The URL parser knows every way to write an IPv6 address.
  const host = address.includes(':') ? URL.parse(`http://[${address}]`)?.hostname : address
  return host === '[::1]' || host?.startsWith('127.') === true
}
