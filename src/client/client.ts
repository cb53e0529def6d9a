// The client side of the SMTP dialog (RFC 5321 §3, RFC 2920, RFC 3207) as a step function. Pure.
// It believes a reply only when its question was asked: whatever is early, double or contradictory ends
// the connection, because one reply out of step turns a refusal into a 250.

import { parseExtensions, noExtensions, type Extensions } from '#smtp/extensions.ts'
import { isPermanent, isPositive, isTransient, replyText, type PeerReply } from '#smtp/reply.ts'
import {
  beginEnvelope,
  hasRecipientsAnswer,
  onContentReply,
  onContentSent,
  onEnvelopeReply,
  onFinalReply,
  onGoodbye,
} from './on-envelope.ts'
import { isPresented, onPresentingReply, presentClient } from './present-client.ts'
import { stageOf, type ClientState } from './state.ts'
import { close, fail, type ClientRules, type ClientStep, type Pending } from './transition.ts'
import type { Ask, Transfer } from './transition.ts'

export type { PresentedClient } from './present-client.ts'
export { stageOf, type ClientStage, type ClientState } from './state.ts'
export type {
  Ask,
  ClientEffect,
  ClientRules,
  ClientStep,
  Failure,
  Pending,
  Transfer,
} from './transition.ts'

export type ClientEvent =
  /** A whole reply. `pending` says what else of the input has already arrived behind it. */
  | { readonly kind: 'reply'; readonly reply: PeerReply; readonly pending: Pending }
  | { readonly kind: 'malformed'; readonly detail: string }
  | { readonly kind: 'encrypted' }
  | { readonly kind: 'ask'; readonly ask: Ask }
  | { readonly kind: 'transfer'; readonly transfer: Transfer }
  | { readonly kind: 'content-sent' }
  | { readonly kind: 'quit' }

export const initialClientState: ClientState = Object.freeze({ phase: 'banner' })

/** Advances one connection by one event. */
export function step(rules: ClientRules, state: ClientState, event: ClientEvent): ClientStep {
  switch (event.kind) {
    case 'reply':
      return onReply(rules, state, event.reply, event.pending)
    case 'malformed':
      if (state.phase === 'closed') return { state, effects: [] }
      return fail(stageOf(state), 'malformed', event.detail, null)
    case 'encrypted':
      // RFC 3207 §4.2: what the server offered in clear is forgotten.
      return sayHello(rules, true, true)
    case 'ask':
      return state.phase === 'ready' ? beginEnvelope(state.extensions, event.ask) : outOfTurn(state)
    case 'transfer':
      return state.phase === 'ready'
        ? onTransfer(state.extensions, event.transfer)
        : outOfTurn(state)
    case 'content-sent':
      return onContentSent(state)
    case 'quit':
      return {
        state: { phase: 'closed' },
        effects: [{ kind: 'send', text: 'QUIT\r\n' }, { kind: 'close' }],
      }
  }
}

function onTransfer(extensions: Extensions, transfer: Transfer): ClientStep {
  return isPresented(extensions, transfer)
    ? presentClient(extensions, transfer)
    : beginEnvelope(extensions, transfer)
}

function outOfTurn(state: ClientState): ClientStep {
  return fail(stageOf(state), 'malformed', 'the connection is not ready for a question', null)
}

function onReply(
  rules: ClientRules,
  state: ClientState,
  reply: PeerReply,
  pending: Pending,
): ClientStep {
  if (state.phase === 'closed') return { state, effects: [] }
  // RFC 5321 §3.8: 421 may come at any time and means that the server closes.
  if (reply.code === 421 && state.phase !== 'final') {
    return hasRecipientsAnswer(state) ? onGoodbye(state) : refused(state, reply)
  }
  switch (state.phase) {
    case 'banner':
      if (pending !== 'nothing') return early(state, reply)
      return reply.code === 220 ? sayHello(rules, true, false) : notYet(state, reply)
    case 'greeting':
      return pending === 'nothing' ? onGreeted(rules, state, reply) : early(state, reply)
    case 'starttls':
      return pending === 'nothing' ? onStartTls(rules, state, reply) : early(state, reply)
    case 'presenting':
      return onPresentingReply(rules, state, reply, pending)
    case 'envelope':
      return onEnvelopeReply(state, reply, pending)
    case 'final':
      return onFinalReply(state, reply, pending)
    case 'resetting':
      if (pending !== 'nothing' || !isPositive(reply)) return close()
      return ready(state.extensions)
    case 'content':
      return isPermanent(reply) && pending !== 'something'
        ? onContentReply(state, reply)
        : notYet(state, reply)
    case 'ready':
    case 'handshake':
      return early(state, reply)
  }
}

/** Not the reply that says yes here: a refusal, or an answer to something else. */
function notYet(state: ClientState, reply: PeerReply): ClientStep {
  return isTransient(reply) || isPermanent(reply) ? refused(state, reply) : early(state, reply)
}

function refused(state: ClientState, reply: PeerReply): ClientStep {
  return fail(stageOf(state), 'refused', replyText(reply), reply)
}

function early(state: ClientState, reply: PeerReply): ClientStep {
  return fail(stageOf(state), 'malformed', `a reply before its question: ${replyText(reply)}`, null)
}

function sayHello(rules: ClientRules, isExtended: boolean, isEncrypted: boolean): ClientStep {
  const verb = isExtended ? 'EHLO' : 'HELO'
  return {
    state: { phase: 'greeting', isExtended, isEncrypted },
    effects: [{ kind: 'send', text: `${verb} ${rules.hostname}\r\n` }],
  }
}

function onGreeted(
  rules: ClientRules,
  state: Extract<ClientState, { readonly phase: 'greeting' }>,
  reply: PeerReply,
): ClientStep {
  // 250 and nothing else: a second banner (220) taken for it would shift every later answer by one, and
  // a refused recipient would get the 250 of MAIL.
  if (reply.code !== 250) {
    // RFC 5321 §3.2: a server that does not know EHLO is greeted with HELO.
    return state.isExtended && isPermanent(reply) && !state.isEncrypted
      ? sayHello(rules, false, false)
      : notYet(state, reply)
  }
  const extensions = state.isExtended ? parseExtensions(reply.lines) : noExtensions
  if (state.isEncrypted || rules.tls === 'none') return ready(extensions)
  if (extensions.startTls) {
    return {
      state: { phase: 'starttls', extensions },
      effects: [{ kind: 'send', text: 'STARTTLS\r\n' }],
    }
  }
  return rules.tls === 'required'
    ? fail('starttls', 'tls', 'TLS is required, but STARTTLS is not offered', null)
    : ready(extensions)
}

function onStartTls(
  rules: ClientRules,
  state: Extract<ClientState, { readonly phase: 'starttls' }>,
  reply: PeerReply,
): ClientStep {
  if (reply.code === 220) return { state: { phase: 'handshake' }, effects: [{ kind: 'start-tls' }] }
  if (rules.tls === 'required')
    return fail('starttls', 'tls', `TLS is required, but refused: ${replyText(reply)}`, reply)
  return isTransient(reply) || isPermanent(reply) ? ready(state.extensions) : early(state, reply)
}

function ready(extensions: Extensions): ClientStep {
  return { state: { phase: 'ready', extensions }, effects: [{ kind: 'ready' }] }
}
