// Whom the mail rules leave alone: a list of the operator's, one line each.
//
//   client     192.0.2.0/24 | mail.example        a network, or a host name that leads to the address
//   sender     example.org  | news@example.org    a domain, or an address
//   recipient  inst.example | info@inst.example   the same
//
// A name or a domain means all below it too. Behind it the rules may be named it is about, else all of them.

import { addressBits, parseNetwork, type Network } from '#base/network.ts'
import { failure, success, type Result } from '#base/result.ts'
import { cleanLine } from '#base/text.ts'
import { parseDomain } from '#smtp/domain-name.ts'
import { parseMailbox } from '#smtp/parse-path.ts'
import { encodeMailbox, type Mailbox } from '#smtp/path.ts'
import type { MailRule } from './judge-origin.ts'
import { NetworkSet } from './network-set.ts'

/** One mail to one recipient. */
export interface ExceptionSubject {
  readonly clientAddress: string
  /** Confirmed by the DNS; null: it is not, or was not looked up. */
  readonly clientName: string | null
  /** Null: the null reverse-path. */
  readonly sender: Mailbox | null
  readonly recipient: Mailbox
}

export interface Exceptions {
  readonly entryCount: number
  /** Names of clients have to be looked up for them. */
  readonly needsClientName: boolean
  readonly excepts: (rule: MailRule, subject: ExceptionSubject) => boolean
}

const rules: Readonly<Record<MailRule, true>> = {
  'reverse-dns-missing': true,
  'reverse-dns-inconsistent': true,
  'dynamic-address': true,
  'sender-domain-missing': true,
  'sender-null-mx': true,
  greylisting: true,
}
export const mailRules: readonly MailRule[] = Object.keys(rules) as MailRule[]

/** More is no list that somebody keeps. */
const maxEntryCount = 100_000
/** Of what is wrong, with a part of the line. */
const maxProblemLength = 300

interface Entry {
  readonly kind: 'network' | 'name' | 'sender' | 'recipient'
  readonly network: Network | null
  /** Name, domain, or address with its local part in lower case. */
  readonly text: string
  readonly rules: readonly MailRule[]
}

interface RuleLists {
  readonly networks: Network[]
  readonly names: Set<string>
  readonly senders: Set<string>
  readonly recipients: Set<string>
}

export const noExceptions: Exceptions = {
  entryCount: 0,
  needsClientName: false,
  excepts: () => false,
}

/** The problem names the line. Empty lines, and what follows a `#`, do not count. */
export function parseExceptions(text: string): Result<Exceptions> {
  const entries: Entry[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const words = line.replace(/#.*/, '').trim().split(/\s+/)
    if (words[0] === '') continue
    const entry = parseEntry(words)
    if (!entry.ok)
      return failure(cleanLine(`line ${index + 1}: ${entry.problem}`, maxProblemLength))
    entries.push(entry.value)
    if (entries.length > maxEntryCount) return failure(`more than ${maxEntryCount} entries`)
  }
  return success(exceptionsOf(entries))
}

function parseEntry([kind = '', value = '', names, ...more]: readonly string[]): Result<Entry> {
  if (value === '' || more.length > 0) {
    return failure('expected `client`, `sender` or `recipient`, who that is, and maybe the rules')
  }
  const named = names === undefined ? mailRules : names.split(',')
  const known = mailRules.filter((rule) => named.includes(rule))
  const unknownRule = named.find((name) => !mailRules.some((rule) => rule === name))
  if (unknownRule !== undefined) {
    return failure(`no rule is called ${unknownRule}; there are ${mailRules.join(', ')}`)
  }
  if (kind === 'client') return parseClient(value, known)
  if (kind === 'sender' || kind === 'recipient') return parseMailParty(kind, value, known)
  return failure(`expected \`client\`, \`sender\` or \`recipient\`, not ${kind}`)
}

function parseClient(value: string, known: readonly MailRule[]): Result<Entry> {
  const network = parseNetwork(value)
  if (network.ok)
    return success({ kind: 'network', network: network.value, text: value, rules: known })
  if (/[/:]|^[\d.]+$/.test(value)) return failure(`${value}: ${network.problem}`)
  const domain = parseDomain(value.replace(/^\./, ''))
  return domain.ok
    ? success({ kind: 'name', network: null, text: domain.value, rules: known })
    : failure(`${value}: ${domain.problem}`)
}

function parseMailParty(
  kind: 'sender' | 'recipient',
  value: string,
  known: readonly MailRule[],
): Result<Entry> {
  if (value.includes('@')) {
    const mailbox = parseMailbox(value)
    if (!mailbox.ok) return failure(`${value}: ${mailbox.problem}`)
    return success({ kind, network: null, text: addressText(mailbox.value), rules: known })
  }
  const domain = parseDomain(value.replace(/^\./, ''))
  return domain.ok
    ? success({ kind, network: null, text: domain.value, rules: known })
    : failure(`${value}: ${domain.problem}`)
}

function exceptionsOf(entries: readonly Entry[]): Exceptions {
  if (entries.length === 0) return noExceptions
  const byRule = new Map(mailRules.map((rule) => [rule, listsOf(rule, entries)]))
  const networks = new Map(mailRules.map((rule) => [rule, networkSet(byRule.get(rule))]))
  return {
    entryCount: entries.length,
    needsClientName: entries.some(({ kind }) => kind === 'name'),
    excepts: (rule, { clientAddress, clientName, sender, recipient }) => {
      const lists = byRule.get(rule)
      if (lists === undefined) return false
      const address = addressBits(clientAddress)
      return (
        (address !== null && networks.get(rule)?.has(address) === true) ||
        (clientName !== null && hasDomain(lists.names, clientName)) ||
        (sender !== null && hasMailbox(lists.senders, sender)) ||
        hasMailbox(lists.recipients, recipient)
      )
    },
  }
}

function listsOf(rule: MailRule, entries: readonly Entry[]): RuleLists {
  const lists: RuleLists = {
    networks: [],
    names: new Set(),
    senders: new Set(),
    recipients: new Set(),
  }
  for (const { kind, network, text, rules: known } of entries) {
    if (!known.includes(rule)) continue
    if (network !== null) lists.networks.push(network)
    else if (kind === 'name') lists.names.add(text)
    else (kind === 'sender' ? lists.senders : lists.recipients).add(text)
  }
  return lists
}

function networkSet(lists: RuleLists | undefined): NetworkSet {
  return new NetworkSet(lists?.networks ?? [])
}

function hasMailbox(known: ReadonlySet<string>, mailbox: Mailbox): boolean {
  return known.size > 0 && (known.has(addressText(mailbox)) || hasDomain(known, mailbox.domain))
}

/** The name itself, or one above it. */
function hasDomain(known: ReadonlySet<string>, name: string): boolean {
  if (known.size === 0) return false
  for (let rest = name; ;) {
    if (known.has(rest)) return true
    const dot = rest.indexOf('.')
    if (dot < 0) return false
    rest = rest.slice(dot + 1)
  }
}

/** People do not know whether a server tells upper and lower case apart, and hardly one does. */
function addressText({ local, domain }: Mailbox): string {
  return encodeMailbox({ local: local.toLowerCase(), domain })
}
