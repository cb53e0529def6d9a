// What an SPF record costs whoever evaluates it, included records and all (RFC 7208 §4.6.4), and which of its terms
// mean the MX records of which domain. Nothing is evaluated for a sender: every term is followed, as for one that
// matches none.

import { isDomainName } from '#smtp/domain-name.ts'
import type { DnsReply, RecordType } from '#dns/query.ts'
import { cleanLine } from '#base/text.ts'
import { isAnswer, recordsOf, replyWords } from './dns-answers.ts'

export interface SpfTerm {
  /** Of which record. */
  readonly holder: string
  /** As it is written, cleaned. */
  readonly written: string
}

export interface SpfMx extends SpfTerm {
  /** The domain whose MX records it means. */
  readonly target: string
  /** They are; empty when there was no answer. */
  readonly exchanges: readonly string[]
}

/** With these every evaluation ends in permerror. */
export interface SpfProblem extends SpfTerm {
  readonly what: 'no-record' | 'several-records' | 'loop'
}

export interface SpfCost {
  /** Terms that cause look-ups, at most 10 are allowed. */
  readonly lookUpCount: number
  /** Those whose answer is that there is nothing; at most 2 are allowed. */
  readonly voids: readonly SpfTerm[]
  readonly problems: readonly SpfProblem[]
  /** Questions without an answer: what they would have added is not counted. `reason`: one line. */
  readonly unanswered: readonly (SpfTerm & { readonly reason: string })[]
  readonly mx: readonly SpfMx[]
  /** More was not followed: too many terms, or too deep. */
  readonly isCut: boolean
}

type Ask = (name: string, type: RecordType) => Promise<DnsReply>

/** Far beyond what is allowed: the number is told, and nobody is asked without end. */
const maxTermCount = 30
const maxDepth = 10
const maxLength = 300

/** `record`: the one SPF record of the domain. Never rejects; asks at most two questions a term. */
export async function spfCost(domain: string, record: string, ask: Ask): Promise<SpfCost> {
  const walk = new Walk(ask)
  await walk.record(domain, record, [domain])
  return walk.cost()
}

class Walk {
  readonly #ask: Ask
  readonly #voids: SpfTerm[] = []
  readonly #problems: SpfProblem[] = []
  readonly #unanswered: (SpfTerm & { readonly reason: string })[] = []
  readonly #mx: SpfMx[] = []
  #count = 0
  #isCut = false

  constructor(ask: Ask) {
    this.#ask = ask
  }

  cost(): SpfCost {
    return {
      lookUpCount: this.#count,
      voids: this.#voids,
      problems: this.#problems,
      unanswered: this.#unanswered,
      mx: this.#mx,
      isCut: this.#isCut,
    }
  }

  /** `path`: the names that led here, this one the last. */
  async record(holder: string, record: string, path: readonly string[]): Promise<void> {
    for (const { name, target, written } of lookUpsOf(record)) {
      if (this.#count >= maxTermCount) {
        this.#isCut = true
        return
      }
      this.#count += 1
      const term = { holder, written: cleanLine(written, maxLength) }
      const place = target ?? holder
      // What a macro stands for depends on the mail.
      if (name === 'ptr' || !isDomainName(place)) continue
      if (name === 'include' || name === 'redirect') await this.#inner(term, place, path)
      else if (name === 'mx') await this.#exchanges(term, place)
      else await this.#addresses(term, place, name)
    }
  }

  async #inner(term: SpfTerm, name: string, path: readonly string[]): Promise<void> {
    if (path.includes(name)) {
      this.#problems.push({ ...term, what: 'loop' })
      return
    }
    if (path.length > maxDepth) {
      this.#isCut = true
      return
    }
    const reply = await this.#answer(term, name, 'TXT')
    if (reply === null) return
    const [record, ...others] = spfRecords(reply)
    if (record === undefined) this.#problems.push({ ...term, what: 'no-record' })
    else if (others.length > 0) this.#problems.push({ ...term, what: 'several-records' })
    else await this.record(name, record, [...path, name])
  }

  async #exchanges(term: SpfTerm, target: string): Promise<void> {
    const reply = await this.#answer(term, target, 'MX')
    const exchanges = reply === null ? [] : recordsOf(reply, 'MX').map(({ value }) => value)
    if (reply !== null && exchanges.length === 0) this.#voids.push(term)
    this.#mx.push({ ...term, target, exchanges })
  }

  /** A sender asks for one family; a void for both is one for every sender. `exists` asks for A alone. */
  async #addresses(term: SpfTerm, target: string, name: SpfLookUp['name']): Promise<void> {
    const a = await this.#answer(term, target, 'A')
    if (a === null || recordsOf(a, 'A').length > 0) return
    if (name !== 'exists') {
      const aaaa = await this.#answer(term, target, 'AAAA')
      if (aaaa === null || recordsOf(aaaa, 'AAAA').length > 0) return
    }
    this.#voids.push(term)
  }

  async #answer(term: SpfTerm, name: string, type: RecordType): Promise<DnsReply | null> {
    const reply = await this.#ask(name, type)
    if (isAnswer(reply)) return reply
    this.#unanswered.push({ ...term, reason: cleanLine(replyWords(reply, type), maxLength) })
    return null
  }
}

/** SPF records among the TXT of an answer; '' stands for none of other meaning. */
export function spfRecords(reply: DnsReply): readonly string[] {
  return recordsOf(reply, 'TXT')
    .map(({ value }) => value)
    .filter((value) => /^v=spf1(?: |$)/i.test(value))
}

interface SpfLookUp {
  readonly name: 'include' | 'redirect' | 'a' | 'mx' | 'ptr' | 'exists'
  /** Lower case; null: the domain of the record. */
  readonly target: string | null
  readonly written: string
}

/**
 * Terms that cause look-ups. What stands behind `all` is never reached, nor is `redirect` where there is an `all`
 * (RFC 7208 §5.1, §6.1).
 */
function lookUpsOf(record: string): readonly SpfLookUp[] {
  const terms = record.split(/ +/).slice(1)
  const all = terms.findIndex((term) => /^[+?~-]?all$/i.test(term))
  const reached = all === -1 ? terms : terms.slice(0, all)
  const mechanisms = reached.flatMap((written): readonly SpfLookUp[] => {
    const [, name = '', target] =
      /^[+?~-]?(include|exists|a|mx|ptr)(?::([^/]*))?(?:\/.*)?$/i.exec(written) ?? []
    return name === ''
      ? []
      : [{ name: name.toLowerCase() as SpfLookUp['name'], target: nameOf(target), written }]
  })
  const redirect = all === -1 ? terms.find((term) => /^redirect=/i.test(term)) : undefined
  return redirect === undefined
    ? mechanisms
    : [
        ...mechanisms,
        { name: 'redirect', target: nameOf(redirect.slice('redirect='.length)), written: redirect },
      ]
}

function nameOf(written: string | undefined): string | null {
  return written === undefined ? null : written.toLowerCase().replace(/\.$/, '')
}
