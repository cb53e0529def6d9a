// XCLIENT (https://www.postfix.org/XCLIENT_README.html): a server that trusts the relay is told whose mail it
// is, so that its own rules about clients work as if the client had come itself. After it the dialog begins
// anew, without a handshake: 220, EHLO, and then the mail.

import { parseExtensions, type Extensions } from '#smtp/extensions.ts'
import { isPermanent, isTransient, replyText, type PeerReply } from '#smtp/reply.ts'
import { beginEnvelope } from './on-envelope.ts'
import type { ClientState } from './state.ts'
import {
  fail,
  type ClientRules,
  type ClientStep,
  type Pending,
  type Transfer,
} from './transition.ts'

/** The client of a mail, as the relay met it. */
export interface PresentedClient {
  /** IPv4 or IPv6 without brackets. */
  readonly address: string
  /** Null: not known any more. */
  readonly port: number | null
  /** Its name in the DNS, confirmed both ways. */
  readonly name:
    | { readonly kind: 'found'; readonly name: string }
    /** It has none, or it is not confirmed. */
    | { readonly kind: 'none' }
    /** The DNS did not say. */
    | { readonly kind: 'failed' }
  /** What it called itself. */
  readonly greetingName: string
  /** EHLO; null: not known any more. */
  readonly isExtended: boolean | null
}

type InPresenting = Extract<ClientState, { readonly phase: 'presenting' }>

/** Whether the client of a mail is presented: the server wants to hear of it, at least its address. */
export function isPresented(
  extensions: Extensions,
  transfer: Transfer,
): transfer is Transfer & { readonly client: PresentedClient } {
  return transfer.client !== null && extensions.xclient.includes('ADDR')
}

export function presentClient(
  extensions: Extensions,
  transfer: Transfer & { readonly client: PresentedClient },
): ClientStep {
  const { client } = transfer
  return {
    state: { phase: 'presenting', step: 'xclient', extensions, transfer, client },
    effects: [{ kind: 'send', text: `${xclientCommand(extensions.xclient, client)}\r\n` }],
  }
}

export function onPresentingReply(
  rules: ClientRules,
  state: InPresenting,
  reply: PeerReply,
  pending: Pending,
): ClientStep {
  const wanted = state.step === 'xclient' ? 220 : 250
  // What the server has against this client is no word about the mail or its recipients. On this connection
  // nothing more can be said: it is somebody else's now.
  if (reply.code !== wanted && (isTransient(reply) || isPermanent(reply))) {
    return fail('xclient', 'refused', replyText(reply), reply)
  }
  if (reply.code !== wanted || pending !== 'nothing') {
    return fail('xclient', 'malformed', `a reply before its question: ${replyText(reply)}`, null)
  }
  if (state.step === 'ehlo') {
    return beginEnvelope(parseExtensions(reply.lines), state.transfer)
  }
  return {
    state: { ...state, step: 'ehlo' },
    effects: [{ kind: 'send', text: `EHLO ${greetingOf(rules, state.client)}\r\n` }],
  }
}

/** As the client said it, where a server can take it for a name; else our own. */
function greetingOf({ hostname }: ClientRules, { greetingName }: PresentedClient): string {
  const isName = /^(?:[a-z\d](?:[\w.-]{0,253}[a-z\d])?|\[[\da-f:.]{2,45}\])$/i.test(greetingName)
  return isName || /^\[ipv6:[\da-f:.]{2,45}\]$/i.test(greetingName) ? greetingName : hostname
}

/** RFC 5321 §4.5.3.1.4, without CR LF. */
const maxCommandLength = 510
/** What Postfix takes as a value, before and after decoding. */
const maxValueLength = 255
const unavailable = '[UNAVAILABLE]'

/** Only what the server knows is sent; without LOGIN, which the relay cannot vouch for. */
function xclientCommand(offered: readonly string[], client: PresentedClient): string {
  const { address, port, isExtended } = client
  const values: readonly (readonly [string, string | null])[] = [
    ['NAME', nameValue(client)],
    ['ADDR', address.includes(':') ? `IPV6:${address}` : address],
    ['PORT', port === null ? unavailable : String(port)],
    ['PROTO', isExtended === null ? null : isExtended ? 'ESMTP' : 'SMTP'],
    ['HELO', encodeXtext(client.greetingName)],
  ]
  let command = 'XCLIENT'
  for (const [name, value] of values) {
    if (value === null || !offered.includes(name)) continue
    const text = ` ${name}=${value === '' || value.length > maxValueLength ? unavailable : value}`
    if (command.length + text.length <= maxCommandLength) command += text
  }
  return command
}

function nameValue({ name }: PresentedClient): string {
  if (name.kind === 'found') return encodeXtext(name.name)
  return name.kind === 'none' ? unavailable : '[TEMPUNAVAIL]'
}

/** RFC 3461 §4. */
export function encodeXtext(text: string): string {
  let encoded = ''
  for (const byte of Buffer.from(text)) {
    const isPlain = byte > 0x20 && byte < 0x7f && byte !== 0x2b && byte !== 0x3d
    encoded += isPlain
      ? String.fromCharCode(byte)
      : `+${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return encoded
}
