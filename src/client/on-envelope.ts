// MAIL, RCPT and DATA seen from the client (RFC 5321 §3.3), as one pipelined group where the server
// offers it (RFC 2920), one by one where it does not.

import type { Extensions } from '#smtp/extensions.ts'
import { isPositive, isTransient, isPermanent, replyText, type PeerReply } from '#smtp/reply.ts'
import { stageOf, type ClientState, type Envelope } from './state.ts'
import {
  close,
  fail,
  type Ask,
  type ClientEffect,
  type ClientStep,
  type Failure,
  type Pending,
  type Transfer,
} from './transition.ts'

type InEnvelope = Extract<ClientState, { readonly phase: 'envelope' }>
type InContent = Extract<ClientState, { readonly phase: 'content' }>
type InFinal = Extract<ClientState, { readonly phase: 'final' }>

export function beginEnvelope(extensions: Extensions, facts: Ask | Transfer): ClientStep {
  if (facts.isSmtpUtf8 && !extensions.smtpUtf8) {
    const failure = {
      stage: 'mail',
      kind: 'smtputf8-unsupported',
      detail: 'SMTPUTF8 is not offered',
      reply: null,
    } as const
    return {
      state: { phase: 'ready', extensions },
      effects: [{ kind: 'failed', failure }, { kind: 'ready' }],
    }
  }
  const envelope: Envelope = {
    task: facts.task,
    commands: [
      mailCommand(extensions, facts),
      ...facts.recipients.map((recipient) => `RCPT TO:<${recipient}>`),
      facts.task === 'question' ? 'RSET' : 'DATA',
    ],
    sentCount: 0,
    replies: [],
  }
  return sendNext(extensions, envelope)
}

function mailCommand(extensions: Extensions, facts: Ask | Transfer): string {
  let command = `MAIL FROM:<${facts.reversePath}>`
  if (facts.sizeBytes !== null && extensions.size !== null) command += ` SIZE=${facts.sizeBytes}`
  // Without the offer 8-bit content goes as it is, which servers take in practice; re-encoding it
  // would break its signatures (docs/decisions/).
  if (facts.is8BitMime && extensions.eightBitMime) command += ' BODY=8BITMIME'
  return facts.isSmtpUtf8 ? `${command} SMTPUTF8` : command
}

/** Everything at once when the server can take it, else the next command. */
function sendNext(extensions: Extensions, envelope: Envelope): ClientStep {
  const until = extensions.pipelining ? envelope.commands.length : envelope.sentCount + 1
  const text = envelope.commands.slice(envelope.sentCount, until).join('\r\n') + '\r\n'
  return {
    state: { phase: 'envelope', extensions, envelope: { ...envelope, sentCount: until } },
    effects: [{ kind: 'send', text }],
  }
}

export function onEnvelopeReply(state: InEnvelope, reply: PeerReply, pending: Pending): ClientStep {
  const { extensions } = state
  const envelope = { ...state.envelope, replies: [...state.envelope.replies, reply] }
  if (envelope.replies.length < envelope.sentCount) {
    return { state: { ...state, envelope }, effects: [] }
  }
  if (pending === 'something') {
    return fail(
      stageOf(state),
      'malformed',
      `more replies than questions, after: ${replyText(reply)}`,
      null,
    )
  }
  if (envelope.replies.length < envelope.commands.length && isWorthGoingOn(envelope)) {
    return sendNext(extensions, envelope)
  }
  return envelope.task === 'question'
    ? onQuestionComplete(extensions, envelope, pending)
    : onEnvelopeComplete(extensions, envelope, pending)
}

/** Without pipelining the first refusal that settles the matter saves the rest. */
function isWorthGoingOn(envelope: Envelope): boolean {
  const mail = envelope.replies[0]
  if (mail !== undefined && !isPositive(mail)) return false
  const isDataNext = envelope.replies.length === envelope.commands.length - 1
  return envelope.task === 'question' || !isDataNext || recipientReplies(envelope).every(isPositive)
}

function refusedAt(stage: Failure['stage'], reply: PeerReply): Failure {
  return { stage, kind: 'refused', detail: replyText(reply), reply }
}

function recipientReplies(envelope: Envelope): readonly PeerReply[] {
  return envelope.replies.slice(1, envelope.commands.length - 1)
}

function onQuestionComplete(
  extensions: Extensions,
  envelope: Envelope,
  pending: Pending,
): ClientStep {
  const [mail, recipient, reset] = envelope.replies
  if (mail === undefined) return fail('mail', 'malformed', 'no reply to MAIL', null)
  // RSET cannot fail (RFC 5321 §4.1.1.5): a refusal here was meant for the RCPT before it, and what
  // was taken for the answer to RCPT came before its question.
  if (reset !== undefined && !isPositive(reset)) {
    return fail('rcpt', 'malformed', `RSET was answered with ${replyText(reset)}`, null)
  }
  const answer: ClientEffect =
    isPositive(mail) && recipient !== undefined
      ? { kind: 'question-answered', reply: recipient }
      : { kind: 'failed', failure: refusedAt('mail', mail) }
  return pending === 'nothing'
    ? { state: { phase: 'ready', extensions }, effects: [answer, { kind: 'ready' }] }
    : { state: { phase: 'closed' }, effects: [answer, { kind: 'close' }] }
}

/**
 * Every RCPT has been answered, and what was said of the recipients is all that there is to say: a question,
 * or a mail that is not sent because of it. Only the reply to RSET or DATA is missing.
 */
export function hasRecipientsAnswer(state: ClientState): state is InEnvelope {
  if (state.phase !== 'envelope') return false
  const { task, commands, replies } = state.envelope
  if (replies.length !== commands.length - 1) return false
  return task === 'question' || !recipientReplies(state.envelope).every(isPositive)
}

/** 421 to RSET or DATA: the server closes (RFC 5321 §3.8), and what it has said of recipients stands. */
export function onGoodbye({ extensions, envelope }: InEnvelope): ClientStep {
  if (envelope.task === 'question') return onQuestionComplete(extensions, envelope, 'closing')
  const { effects } = onEnvelopeComplete(extensions, envelope, 'closing')
  const answer = effects.filter(({ kind }) => kind !== 'send')
  return { ...close(), effects: [...answer, { kind: 'close' }] }
}

function onEnvelopeComplete(
  extensions: Extensions,
  envelope: Envelope,
  pending: Pending,
): ClientStep {
  const [mail] = envelope.replies
  const recipients = recipientReplies(envelope)
  const data = envelope.replies[envelope.commands.length - 1]
  if (mail === undefined) return fail('mail', 'malformed', 'no reply to MAIL', null)
  const isMailTaken = isPositive(mail)
  if (isMailTaken && recipients.every(isPositive)) {
    return onData(extensions, envelope, data, pending)
  }
  const answer: ClientEffect = isMailTaken
    ? { kind: 'recipients-refused', recipients }
    : { kind: 'failed', failure: refusedAt('mail', mail) }
  // 354 although recipients were refused: a dot would send an empty mail to the others, and there is no
  // other way back to commands, so the connection is given up (RFC 5321 §4.1.1.4 makes that safe).
  return data?.code === 354
    ? { ...close(), effects: [answer, { kind: 'close' }] }
    : reset(extensions, answer)
}

function onData(
  extensions: Extensions,
  envelope: Envelope,
  data: PeerReply | undefined,
  pending: Pending,
): ClientStep {
  if (data?.code === 354 && pending === 'closing') {
    // The 421 would pass for the answer to a content that nobody was going to read.
    return fail('data', 'malformed', '421 behind 354, before any content', null)
  }
  if (data?.code === 354) {
    return {
      state: { phase: 'content', extensions, envelope },
      effects: [{ kind: 'send-content' }],
    }
  }
  if (data === undefined || !(isTransient(data) || isPermanent(data))) {
    const words = data === undefined ? 'nothing' : replyText(data)
    return fail('data', 'malformed', `DATA was answered with ${words}`, null)
  }
  return reset(extensions, { kind: 'failed', failure: refusedAt('data', data) })
}

function reset(extensions: Extensions, answer: ClientEffect): ClientStep {
  return {
    state: { phase: 'resetting', extensions },
    effects: [answer, { kind: 'send', text: 'RSET\r\n' }],
  }
}

export function onContentSent(state: ClientState): ClientStep {
  return state.phase === 'content'
    ? { state: { ...state, phase: 'final' }, effects: [] }
    : { state, effects: [] }
}

/**
 * 5yz before the content has ended: the server has seen enough of it. That is its word about this mail, as
 * if it had waited for the end (a 2yz would not be). The rest is not sent, and above all no dot.
 */
export function onContentReply({ envelope }: InContent, reply: PeerReply): ClientStep {
  const recipients = recipientReplies(envelope)
  const answer: ClientEffect = { kind: 'transfer-answered', recipients, reply }
  return { ...close(), effects: [answer, { kind: 'close' }] }
}

/**
 * Help, banner, farewell, AUTH, RCPT, VRFY: yes to something else, as from a server that is ending or was
 * never asked for the content. Other 2yz are read by their first digit (RFC 5321 §4.3.2).
 */
const yesToOthers: ReadonlySet<number> = new Set([211, 214, 220, 221, 235, 251, 252])

export function onFinalReply(state: InFinal, reply: PeerReply, pending: Pending): ClientStep {
  const { code } = reply
  const isAnswer = code >= 400 || (isPositive(reply) && !yesToOthers.has(code))
  if (pending === 'something' || !isAnswer) {
    return fail(
      stageOf(state),
      'malformed',
      isAnswer
        ? `more replies than questions, after: ${replyText(reply)}`
        : `the content was answered with ${replyText(reply)}`,
      null,
    )
  }
  const recipients = recipientReplies(state.envelope)
  const answer: ClientEffect = { kind: 'transfer-answered', recipients, reply }
  return pending === 'closing' || code === 421
    ? { state: { phase: 'closed' }, effects: [answer, { kind: 'close' }] }
    : {
        state: { phase: 'ready', extensions: state.extensions },
        effects: [answer, { kind: 'ready' }],
      }
}
