// The command line of `pforte check`, read into what is examined and how.

import {
  catalogue,
  type CheckLimits,
  type Language,
  type TargetGuard,
  type TargetRequest,
} from '#compliance/compliance.ts'
import { parseNetwork } from '#base/network.ts'
import { nearestWord } from '#base/text.ts'
import { formatDuration, parseDuration } from '#base/units.ts'
import { isIP } from '#net/address.ts'
import { parseDomain } from '#smtp/domain-name.ts'
import { encodeMailbox } from '#smtp/path.ts'
import { parseMailbox } from '#smtp/parse-path.ts'
import { parseArguments, UsageError } from '#app/command.ts'

export const checkUsage = `Usage: pforte check HOST [OPTIONS]
       pforte check dns DOMAIN --relay NAME [OPTIONS]

Examines a mail server as a relay would use it, and says what meets the
requirements, what does not, and what to change. Contacts only HOST, and sends
no mail unless --send is given and the mailbox is confirmed. Ctrl-C ends the run
with what is known so far.

What is examined:
  --domain NAME        a domain of the server; may be repeated
  --existing ADDRESS   an address that exists; may be repeated
  --unknown ADDRESS    an address that does not exist; may be repeated
  --port NUMBER        default 25
  --within CIDR        refuse to contact any other network, or this machine, or a
                       port other than 25 and 2525; may be repeated
  --from-source IP     connect from this address; may be repeated
  --only ID, --skip ID only these checks, or not these; may be repeated
  --explain ID         say what a check demands and why; 'all' lists them all

With test mails:
  --send               send some test mails to the first --existing address: plain
                       text, test strings of spam and virus filters, odd content,
                       and one of 50 MiB
  --confirm ADDRESS    says that they may be sent there; without it you are asked
  --catcher            their senders are caught addresses of catcher.domain: what
                       comes back is collected for six days, see pforte catcher
  --wait DURATION      how long the run waits for it; default 60s

How:
  --hello NAME         our name in EHLO; default: the name of this machine
  --sender-domain NAME domain of the senders of questions; default: as --hello
  --network CIDR       network of the relays, for the lines to paste; repeated
  --ca FILE            trust these authorities too (PEM)
  --resolver IP        ask this name server; may be repeated
  --patience DURATION  wait so long for a server that says "later"; default 70s
  --timeout DURATION   of the whole run; default 10min

Afterwards:
  --save               keep what was measured; the relay accepts no larger mails for
                       the domains than their server, see pforte domain profile
  --config FILE        only with --save or --catcher: the relay's configuration

Output:
  --lang de|en         language of the report; default en
  --json, --markdown, --junit, --html
                       instead of the text for a terminal

Exit code 0: every requirement is met; 1: one is violated; 2: one could not be
determined; 3: wrong usage, or nothing could be examined.
`

const many = { type: 'string', multiple: true } as const
const one = { type: 'string' } as const
const flag = { type: 'boolean' } as const

const checkOptions = {
  domain: many,
  existing: many,
  unknown: many,
  port: one,
  'from-source': many,
  within: many,
  only: many,
  skip: many,
  explain: one,
  send: flag,
  catcher: flag,
  wait: one,
  save: flag,
  config: one,
  confirm: one,
  hello: one,
  'sender-domain': one,
  network: many,
  ca: one,
  resolver: many,
  patience: one,
  timeout: one,
  lang: one,
  json: flag,
  markdown: flag,
  junit: flag,
  html: flag,
} as const

interface CheckValues {
  readonly domain?: readonly string[]
  readonly existing?: readonly string[]
  readonly unknown?: readonly string[]
  readonly port?: string
  readonly 'from-source'?: readonly string[]
  readonly within?: readonly string[]
  readonly only?: readonly string[]
  readonly skip?: readonly string[]
  readonly send?: boolean
  readonly catcher?: boolean
  readonly wait?: string
  readonly save?: boolean
  readonly config?: string
  readonly confirm?: string
  readonly hello?: string
  readonly 'sender-domain'?: string
  readonly network?: readonly string[]
  readonly ca?: string
  readonly resolver?: readonly string[]
  readonly patience?: string
  readonly timeout?: string
  readonly lang?: string
  readonly json?: boolean
  readonly markdown?: boolean
  readonly junit?: boolean
  readonly html?: boolean
}

export type ReportForm = 'text' | 'json' | 'markdown' | 'junit' | 'html'

export interface CheckRequest {
  readonly target: TargetRequest
  /** Null: wherever the tester likes. */
  readonly guard: TargetGuard | null
  readonly isWanted: (id: string) => boolean
  readonly helloName: string | null
  readonly senderDomain: string | null
  readonly networks: readonly string[]
  readonly caFile: string | null
  readonly resolvers: readonly string[]
  readonly limits: Partial<CheckLimits>
  /** The measured profile shall become the domains'. */
  readonly isSaved: boolean
  readonly configFile: string | undefined
  /** What comes back is caught. */
  readonly isCaught: boolean
  /** Where test mails shall go; null: nowhere. */
  readonly sendTo: string | null
  /** The tester has named the mailbox a second time. */
  readonly isSendConfirmed: boolean
  readonly language: Language
  readonly form: ReportForm
}

/** What `--explain` asks for. */
export interface Explanation {
  /** Of a check, or `all`. */
  readonly explain: string
  readonly language: Language
}

/** Throws a UsageError that names the option and what is wrong with it. */
export function readArguments(args: readonly string[]): CheckRequest | Explanation {
  const { values, positionals } = parseArguments(args, {
    options: checkOptions,
    allowPositionals: true,
  })
  return values.explain === undefined
    ? readRequest(positionals, values)
    : { explain: values.explain, language: languageOf(values.lang) }
}

function readRequest(positionals: readonly string[], values: CheckValues): CheckRequest {
  const [host, ...rest] = positionals
  if (host === undefined || rest.length > 0)
    throw new UsageError('name one host: pforte check HOST')
  const existing = addresses('existing', values.existing)
  const unknown = addresses('unknown', values.unknown)
  const domains = domainsOf(values.domain ?? [], [...existing, ...unknown])
  for (const address of [...existing, ...unknown]) {
    if (!domains.includes(domainOf(address))) {
      throw new UsageError(`${address} is not in one of the domains ${domains.join(', ')}`)
    }
  }
  return {
    target: {
      host: isIP(host) ? host : domain('HOST', host),
      port: portOf(values.port),
      domains,
      existing,
      unknown,
      sources: sourcesOf(values['from-source'] ?? []),
    },
    guard: guardOf(values.within ?? []),
    isWanted: wanted(values.only ?? [], values.skip ?? []),
    helloName: values.hello ?? null,
    senderDomain:
      values['sender-domain'] === undefined
        ? null
        : domain('--sender-domain', values['sender-domain']),
    networks: (values.network ?? []).map(network),
    caFile: values.ca ?? null,
    resolvers: values.resolver ?? [],
    limits: limitsOf(values),
    isSaved: values.save === true,
    configFile: values.config,
    isCaught: isCaught(values),
    ...sendingOf(values, existing),
    language: languageOf(values.lang),
    form: formOf(values),
  }
}

export function languageOf(text: string | undefined): Language {
  if (text === undefined || text === 'en') return 'en'
  if (text === 'de') return 'de'
  throw new UsageError(`--lang: '${text}' is neither de nor en`)
}

function isCaught(values: CheckValues): boolean {
  if (values.catcher !== true) {
    if (values.wait !== undefined) throw new UsageError('--wait needs --catcher')
    return false
  }
  if (values['sender-domain'] !== undefined) {
    throw new UsageError('--catcher has a sender domain of its own: leave out --sender-domain')
  }
  return true
}

function sendingOf(
  { send, confirm }: CheckValues,
  existing: readonly string[],
): Pick<CheckRequest, 'sendTo' | 'isSendConfirmed'> {
  const [sendTo] = existing
  if (send !== true) return { sendTo: null, isSendConfirmed: false }
  if (sendTo === undefined) throw new UsageError('--send needs an address: --existing ADDRESS')
  if (confirm !== undefined && addresses('confirm', [confirm])[0] !== sendTo) {
    throw new UsageError(`--confirm: '${confirm}' is not the first --existing address, ${sendTo}`)
  }
  return { sendTo, isSendConfirmed: confirm !== undefined }
}

function addresses(option: string, texts: readonly string[] = []): readonly string[] {
  return texts.map((written) => {
    const mailbox = parseMailbox(written)
    if (!mailbox.ok) throw new UsageError(`--${option}: '${written}': ${mailbox.problem}`)
    return encodeMailbox(mailbox.value)
  })
}

function domainsOf(named: readonly string[], mailboxes: readonly string[]): readonly string[] {
  const texts = named.length > 0 ? named : mailboxes.map(domainOf)
  return [...new Set(texts.map((each) => domain('--domain', each)))]
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1)
}

function domain(option: string, written: string): string {
  const parsed = parseDomain(written)
  if (!parsed.ok) throw new UsageError(`${option}: '${written}': ${parsed.problem}`)
  return parsed.value
}

function portOf(written: string | undefined): number {
  if (written === undefined) return 25
  const port = /^\d{1,5}$/.test(written) ? Number(written) : 0
  if (port < 1 || port > 65_535) throw new UsageError(`--port: '${written}' is not a port`)
  return port
}

function sourcesOf(texts: readonly string[]): readonly string[] {
  for (const each of texts) {
    if (!isIP(each)) throw new UsageError(`--from-source: '${each}' is not an IP address`)
  }
  return texts
}

/** For tests that others have asked for. */
function guardOf(within: readonly string[]): TargetGuard | null {
  if (within.length === 0) return null
  const networks = within.map((written) => {
    const parsed = parseNetwork(written)
    if (!parsed.ok) throw new UsageError(`--within: '${written}': ${parsed.problem}`)
    return parsed.value
  })
  return { networks, ports: [25, 2525] }
}

function network(written: string): string {
  const match = /^([\d.]+|[\da-f:]+)\/\d{1,3}$/i.exec(written)
  if (match === null || !isIP(match[1] ?? '')) {
    throw new UsageError(`--network: '${written}' is not a network such as 192.0.2.0/24`)
  }
  return written
}

function limitsOf({ patience, timeout, wait }: CheckValues): Partial<CheckLimits> {
  return {
    ...(patience !== undefined && { patienceMs: duration('patience', patience) }),
    ...(wait !== undefined && { returnWaitMs: duration('wait', wait) }),
    ...(timeout !== undefined && { runTimeoutMs: duration('timeout', timeout) }),
  }
}

/** Longer than anybody waits; timers of the system end at 24 days. */
const maxDurationMs = 86_400_000

function duration(option: string, written: string): number {
  const parsed = parseDuration(written)
  if (!parsed.ok) throw new UsageError(`--${option}: '${written}': ${parsed.problem}`)
  if (parsed.value > maxDurationMs) {
    throw new UsageError(`--${option}: '${written}' is more than ${formatDuration(maxDurationMs)}`)
  }
  return parsed.value
}

function wanted(only: readonly string[], skip: readonly string[]): (id: string) => boolean {
  const ids = catalogue.map(({ id }) => id)
  for (const each of [...only, ...skip]) checkId(each, ids)
  return (id) => (only.length === 0 || only.includes(id)) && !skip.includes(id)
}

export function checkId(id: string, ids: readonly string[]): void {
  if (ids.includes(id)) return
  const nearest = nearestWord(id.slice(0, 60), ids)
  const help = nearest === undefined ? '--explain all lists them' : `did you mean ${nearest}?`
  throw new UsageError(`there is no check '${id}'; ${help}`)
}

function formOf(values: CheckValues): ReportForm {
  const forms = (['json', 'markdown', 'junit', 'html'] as const).filter(
    (each) => values[each] === true,
  )
  if (forms.length > 1) throw new UsageError(`only one of --${forms.join(', --')}`)
  return forms[0] ?? 'text'
}
