// Turns reasons into SMTP: the one table of codes, statuses and texts. The manual's reply catalogue is
// printed from here. A 5yz carries a status that says what is wrong, never one guessed from its code.

import { cleanAsciiLine } from '#base/text.ts'
import {
  replyText,
  type PeerReply,
  type PermanentCode,
  type Reply,
  type StatusDetail,
  type TransientCode,
} from '#smtp/reply.ts'
import type { DeferReason, Deferral, OriginReason, RejectReason, Rejection } from './verdict.ts'

interface Wording<Code, Reason> {
  readonly code: Code
  readonly status: StatusDetail
  readonly text: (reason: Reason) => string
  /** The reply whose code and status are passed on, where they are fit for that. */
  readonly passes?: (reason: Reason) => PeerReply
}

type Wordings<Code, Reasons extends { readonly kind: string }> = {
  readonly [Kind in Reasons['kind']]: Wording<Code, Extract<Reasons, { readonly kind: Kind }>>
}

export const deferWordings: Wordings<TransientCode, DeferReason> = {
  'next-hop-unreachable': {
    code: 451,
    status: '4.1',
    text: (reason) => `${reason.server} does not answer: ${reason.detail}`,
  },
  'next-hop-deferred': { code: 451, status: '3.0', text: says, passes: (reason) => reason.reply },
  'next-hop-policy': { code: 451, status: '7.1', text: says },
  'mailbox-full': { code: 452, status: '2.2', text: says },
  'recipients-changed': {
    code: 451,
    status: '1.1',
    text: (reason) => `${reason.server} refused some of the recipients; please try again`,
  },
  'separate-transaction': {
    code: 452,
    status: '5.3',
    text: (reason) => `recipients of ${reason.domain} need a mail of their own; send it again`,
  },
  'domain-suspended': {
    code: 451,
    status: '3.2',
    text: (reason) => `mail for ${reason.domain} is suspended for now; please try again later`,
  },
  'too-many-recipients': {
    code: 452,
    status: '5.3',
    text: (reason) => `at most ${reason.maxCount} recipients a mail; send the rest in another one`,
  },
  'too-many-unknown-recipients': {
    code: 421,
    status: '7.0',
    text: () => 'too many unknown recipients in this session',
  },
  'too-much-guessing': {
    code: 451,
    status: '7.1',
    text: (reason) =>
      `too many unknown recipients from ${reason.network} lately; please try again later`,
  },
  'storage-failed': { code: 452, status: '3.1', text: () => 'no room for this mail right now' },
  'spool-failed': {
    code: 451,
    status: '3.0',
    text: (reason) =>
      `${reason.server} cannot take it and nobody can keep it now; please try again`,
  },
  'not-kept': {
    code: 451,
    status: '6.0',
    text: (reason) =>
      `the server of ${reason.domain} does not answer, and did not take ${reason.what} when it was measured; please try again`,
  },
  ...originWordings(450),
  'dns-failed': {
    code: 451,
    status: '4.3',
    text: (reason) => `the DNS has no answer for ${reason.subject} now: ${reason.detail}`,
  },
  greylisted: {
    code: 451,
    status: '7.1',
    text: (reason) => `greylisted; please send it again after ${secondsText(reason.waitMs)}`,
  },
  'internal-error': { code: 451, status: '3.0', text: () => 'internal error; please try again' },
  'too-many-connections': {
    code: 421,
    status: '7.0',
    text: (reason) => `at most ${reason.maxCount} connections at a time from ${reason.network}`,
  },
  'connecting-too-often': {
    code: 421,
    status: '7.0',
    text: (reason) => `at most ${reason.maxCount} connections a minute from ${reason.network}`,
  },
}

export const rejectWordings: Wordings<PermanentCode, RejectReason> = {
  'not-served': {
    code: 550,
    status: '7.1',
    text: (reason) => `relaying denied: ${reason.domain} is not served here`,
  },
  'routed-recipient': {
    code: 550,
    status: '7.1',
    text: () => 'relaying denied: no %, ! or @ in the local part',
  },
  'recipient-unknown': { code: 550, status: '1.1', text: says },
  'next-hop-rejected': { code: 554, status: '6.0', text: says, passes: (reason) => reason.reply },
  'too-large': {
    code: 552,
    status: '3.4',
    text: (reason) => `the mail is larger than the limit of ${reason.maxBytes} bytes`,
  },
  'too-large-for-recipient': {
    code: 552,
    status: '3.4',
    text: (reason) => `too large for ${reason.server}: ${reason.detail}`,
  },
  'smtputf8-unsupported': {
    code: 553,
    status: '6.7',
    text: (reason) => `${reason.server} does not support SMTPUTF8`,
  },
  '8bitmime-unsupported': {
    code: 554,
    status: '6.3',
    text: (reason) => `${reason.server} does not take 8-bit content (8BITMIME)`,
  },
  'line-too-long': {
    code: 554,
    status: '6.0',
    text: (reason) => `${reason.domain} takes no lines above ${reason.maxBytes} octets`,
  },
  'bare-newline': {
    code: 550,
    status: '5.2',
    text: () => 'bare CR or LF in the content; lines must end in CR LF',
  },
  loop: {
    code: 554,
    status: '4.6',
    text: (reason) => `mail loop: ${reason.hopCount} Received fields`,
  },
  'header-too-large': {
    code: 554,
    status: '6.0',
    text: (reason) => `the header section is larger than ${reason.maxBytes} bytes`,
  },
  ...originWordings(550),
  'client-denied': {
    code: 521,
    status: '7.1',
    text: (reason) => `does not accept mail from [${reason.client}]`,
  },
  'client-listed': {
    code: 521,
    status: '7.1',
    text: (reason) =>
      `does not accept mail from [${reason.client}]: listed by ${reason.zones.join(', ')}`,
  },
  'talked-first': {
    code: 521,
    status: '5.1',
    text: () => 'protocol error: the client spoke before the banner',
  },
}

/** The words are the same, whether it is temporary or not. Statuses: RFC 7372 §3, RFC 7505 §4.2. */
function originWordings<Code>(code: Code): Wordings<Code, OriginReason> {
  return {
    'reverse-dns-missing': {
      code,
      status: '7.25',
      text: ({ address }) => `your address ${address} has no name in the DNS (PTR record)`,
    },
    'reverse-dns-inconsistent': {
      code,
      status: '7.25',
      text: ({ address, name }) =>
        `your address ${address} is called ${name} in the DNS, but that name does not lead to it`,
    },
    'dynamic-address': {
      code,
      status: '7.1',
      text: ({ address, name }) =>
        `${name} [${address}] looks like a dynamic address; send by your provider's mail server`,
    },
    'sender-domain-missing': {
      code,
      status: '1.8',
      text: ({ domain }) => `the sender's domain ${domain} has no MX or address record in the DNS`,
    },
    'sender-null-mx': {
      code,
      status: '7.27',
      text: ({ domain }) => `the sender's domain ${domain} takes no mail (null MX, RFC 7505)`,
    },
  }
}

function secondsText(ms: number): string {
  return `${Math.max(1, Math.ceil(ms / 1000))} seconds`
}

/** Enough for an address and a server's words, short enough for one line (RFC 5321 §4.5.3.1.5). */
const maxTextLength = 400

function says(reason: { readonly server: string; readonly reply: PeerReply }): string {
  return `${reason.server} says: ${replyText(reason.reply)}`
}

/**
 * The reply for a verdict that is not accept. `subject` is put before the text, e.g.
 * `<x@inst.example>: `; `traceId` behind it, so that the sender's postmaster can be helped; both may be ''.
 */
export function verdictReply(
  verdict: Deferral | Rejection,
  subject: string,
  traceId: string,
): Reply {
  const wording = wordingOf(verdict)
  // The tables' types pair each reason with its wording; the lookup by `kind` loses that.
  const text = wording.text(verdict.reason as never)
  const passed = wording.passes?.(verdict.reason as never) ?? null
  return {
    ...codeOf(wording, passed),
    lines: [cleanAsciiLine(subject + text, maxTextLength) + (traceId && ` [${traceId}]`)],
  }
}

function wordingOf(verdict: Deferral | Rejection): Wording<TransientCode | PermanentCode, never> {
  return verdict.kind === 'defer'
    ? deferWordings[verdict.reason.kind]
    : rejectWordings[verdict.reason.kind]
}

/**
 * 421 would close the client's session, and 45z of odd kinds are not in RFC 5321 §4.2.3, so only the
 * usual codes are passed on. The status goes with its code or not at all.
 */
const passableCodes: ReadonlySet<number> = new Set([450, 451, 452, 550, 551, 552, 553, 554])

function codeOf(
  wording: Wording<TransientCode | PermanentCode, never>,
  passed: PeerReply | null,
): Pick<Reply, 'code' | 'status'> {
  const { code, status } = wording
  const isSameClass = passed !== null && Math.floor(passed.code / 100) === Math.floor(code / 100)
  if (!isSameClass || !passableCodes.has(passed.code)) return { code, status }
  const detail = /^[45]\.([0-7]\.\d{1,3})$/.exec(passed.status ?? '')?.[1]
  return {
    code: passed.code as TransientCode | PermanentCode,
    status: detail === undefined ? status : (detail as StatusDetail),
  }
}
