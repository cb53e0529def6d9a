// The stage itself: what is decided at once, by lists and limits, and who has to be tested.

import type { Connection } from '#net/connection.ts'
import { defer, reject } from '#verdict/verdict.ts'
import { ClientCounts, type Client } from './client-counts.ts'
import { ClientTests } from './client-tests.ts'
import type { ClientCount, Greeting, GreetingOptions, GreetingRules } from './greeting.ts'
import { findExceeded, isBusy, type Exceeded } from './limits.ts'
import { Lists } from './lists.ts'
import { Refusals } from './refusal.ts'

export { AccessFileError } from './lists.ts'

/** How often clients are forgotten that are gone, and the access file is looked at. */
const lookMs = 5000
/** Throws an AccessFileError when the file of networks cannot be read. */
export function openGreeting(options: GreetingOptions): Greeting {
  return new Stage(options)
}

class Stage implements Greeting {
  readonly #options: GreetingOptions
  readonly #counts: ClientCounts
  readonly #refusals: Refusals
  readonly #lists: Lists
  readonly #tests: ClientTests
  readonly #timer: NodeJS.Timeout
  #rules: GreetingRules
  #isIdle: boolean

  constructor(options: GreetingOptions) {
    this.#options = options
    this.#rules = options.rules()
    this.#counts = new ClientCounts(options.clock.now)
    this.#refusals = new Refusals(options)
    this.#tests = new ClientTests(options, this.#refusals, () => this.#rules)
    this.#lists = new Lists(this.#rules, options.emit)
    this.#isIdle = this.#hasNothingToDo()
    this.#timer = setInterval(() => this.#look(), lookMs).unref()
  }

  accept = (connection: Connection): void => {
    const rules = this.#options.rules()
    if (rules !== this.#rules) this.#adopt(rules)
    if (this.#isIdle) {
      this.#options.next(connection)
      return
    }
    const client = this.#counts.find(connection.remote.address, this.#lists.places)
    const { standing } = client.place
    if (standing === 'deny' && this.#isDenied(connection, client)) return
    if (standing !== 'exempt') {
      client.connectionArrived()
      if (this.#isLimited(connection, client, 'connections')) return
      if (this.#isLimited(connection, client, 'rate')) return
      client.connectionOpened()
      connection.countedBy(client)
    }
    const isTrusted = standing === 'exempt' || standing === 'allow'
    if (isTrusted || !this.#tests.take(connection, client)) this.#options.next(connection)
  }

  waitingCount(): number {
    return this.#tests.waitingCount
  }

  handOnAll(): void {
    this.#tests.letAllGo()
  }

  busyClients(processCount: number): readonly ClientCount[] {
    return this.#counts.busy(isBusy(this.#rules, processCount))
  }

  hear(others: readonly ClientCount[]): void {
    this.#counts.hear(others)
  }

  reload(): void {
    this.#lists.readAgain()
    this.#isIdle = this.#hasNothingToDo()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#tests.close()
  }

  #adopt(rules: GreetingRules): void {
    this.#rules = rules
    this.#lists.adopt(rules)
    this.#isIdle = this.#hasNothingToDo()
  }

  #look(): void {
    this.#counts.sweep()
    if (this.#lists.readIfChanged()) this.#isIdle = this.#hasNothingToDo()
  }

  #hasNothingToDo(): boolean {
    const { access, connections, rate, pregreet, dnsbl } = this.#rules
    const isAnyOn = [connections, rate, pregreet, dnsbl].some(({ mode }) => mode !== 'off')
    return !isAnyOn && (access.mode === 'off' || !this.#lists.places.hasDenied)
  }

  /** True: it has been refused, and is not ours any more. */
  #isDenied(connection: Connection, client: Client): boolean {
    const { mode } = this.#rules.access
    if (mode === 'off') return false
    const verdict = reject({ kind: 'client-denied', client: client.key })
    this.#options.emit({
      kind: 'client-denied',
      ...this.#refusals.failed(connection, mode, verdict),
      entry: client.place.entry,
      isRepeated: client.isToldAgain('client-denied'),
    })
    if (mode === 'enforce') this.#refusals.refuse(connection, verdict)
    return mode === 'enforce'
  }

  #isLimited(connection: Connection, client: Client, check: Exceeded['check']): boolean {
    const limits = this.#rules[check]
    if (limits.mode === 'off') return false
    const exceeded = findExceeded(client, check, limits)
    if (exceeded === null) return false
    const { network, maxCount } = exceeded
    const kind = check === 'connections' ? 'too-many-connections' : 'connecting-too-often'
    const verdict = defer({ kind, network, maxCount })
    this.#options.emit({
      kind: 'client-limited',
      ...this.#refusals.failed(connection, limits.mode, verdict),
      ...exceeded,
      isRepeated: client.isToldAgain(check),
    })
    if (limits.mode === 'enforce') this.#refusals.refuse(connection, verdict)
    return limits.mode === 'enforce'
  }
}
