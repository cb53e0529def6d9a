import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseCommand } from '#smtp/parse-command.ts'
import { encodeReply } from '#smtp/reply.ts'
import { accept, defer, reject, type Verdict } from '#verdict/verdict.ts'
import { commandTable, type Phase } from './command-table.ts'
import {
  awaitsReply,
  initialState,
  step,
  type Effect,
  type SessionEvent,
  type SessionRules,
  type SessionState,
  type Step,
} from './session.ts'

const rules: SessionRules = {
  hostname: 'relay.example',
  isTlsOffered: true,
  isChunkingOffered: true,
  isPipeliningEnforced: false,
  maxMessageBytes: 1000,
  maxRecipientCount: 2,
  maxTransactionCount: 2,
  maxErrorCount: 3,
  maxCommandCount: 2000,
  maxIdleCommandCount: 100,
  unknownRecipientDelayAfterCount: 1,
  unknownRecipientDelayMs: 500,
  maxUnknownRecipientCount: 2,
}

const unknown: Verdict = reject({
  kind: 'recipient-unknown',
  server: 'mail.inst.example',
  reply: { code: 550, status: '5.1.1', lines: ['User unknown'] },
})

function command(line: string): SessionEvent {
  const parsed = parseCommand(line)
  assert.ok(parsed.ok, line)
  return { kind: 'command', command: parsed.value }
}

function senderJudged(verdict: Verdict): SessionEvent {
  return { kind: 'sender-judged', verdict, traceId: 'T' }
}

function recipientJudged(verdict: Verdict): SessionEvent {
  return { kind: 'recipient-judged', verdict, traceId: 'T' }
}

const mail = [command('MAIL FROM:<bob@sender.example>'), senderJudged(accept)]
const rcpt = [command('RCPT TO:<anna@inst.example>'), recipientJudged(accept)]

/** The state but for how many commands led to it. */
function uncounted(state: SessionState): SessionState {
  return { ...state, standing: { ...state.standing, commandCount: 0 } }
}

/** The last step, after all events. */
function run(events: readonly SessionEvent[], changes: Partial<SessionRules> = {}): Step {
  let last: Step = { state: initialState, effects: [] }
  for (const event of events) last = step({ ...rules, ...changes }, last.state, event)
  return last
}

/** Replies as on the wire, other effects by kind. */
function told(effects: readonly Effect[]): readonly string[] {
  return effects.map((effect) =>
    effect.kind === 'reply' ? encodeReply(effect.reply).trimEnd() : effect.kind,
  )
}

const toPhase: Readonly<Record<Phase, readonly SessionEvent[]>> = {
  connected: [],
  greeted: [command('EHLO mx')],
  'judging-sender': [command('EHLO mx'), command('MAIL FROM:<>')],
  mail: [command('EHLO mx'), ...mail],
  'judging-recipient': [command('EHLO mx'), ...mail, command('RCPT TO:<anna@inst.example>')],
  rcpt: [command('EHLO mx'), ...mail, ...rcpt],
  content: [command('EHLO mx'), ...mail, ...rcpt, command('DATA')],
  chunks: [
    command('EHLO mx'),
    ...mail,
    ...rcpt,
    command('BDAT 5'),
    { kind: 'content-complete', isDoomed: false },
  ],
  skipping: [command('EHLO mx'), command('BDAT 5')],
  final: [
    command('EHLO mx'),
    ...mail,
    ...rcpt,
    command('DATA'),
    { kind: 'content-complete', isDoomed: false },
  ],
  handshake: [command('EHLO mx'), command('STARTTLS')],
  closed: [command('QUIT')],
}

for (const [phase, events] of Object.entries(toPhase)) {
  test(`the events of this table lead to phase ${phase}`, () => {
    assert.equal(run(events).state.phase, phase)
  })
}

/** Phase after the command, and the code of its reply or the effect it asks for. */
const table: Readonly<
  Record<string, Readonly<Record<'connected' | 'greeted' | 'mail' | 'rcpt' | 'chunks', string>>>
> = {
  'EHLO a': {
    connected: 'greeted 250',
    greeted: 'greeted 250',
    mail: 'greeted 250',
    rcpt: 'greeted 250',
    chunks: 'greeted 250',
  },
  'HELO a': {
    connected: 'greeted 250',
    greeted: 'greeted 250',
    mail: 'greeted 250',
    rcpt: 'greeted 250',
    chunks: 'greeted 250',
  },
  'MAIL FROM:<>': {
    connected: 'connected 503',
    greeted: 'judging-sender judge-sender',
    mail: 'mail 503',
    rcpt: 'rcpt 503',
    chunks: 'chunks 503',
  },
  'RCPT TO:<a@b.example>': {
    connected: 'connected 503',
    greeted: 'greeted 503',
    mail: 'judging-recipient judge-recipient',
    rcpt: 'judging-recipient judge-recipient',
    chunks: 'chunks 503',
  },
  DATA: {
    connected: 'connected 503',
    greeted: 'greeted 503',
    mail: 'mail 554',
    rcpt: 'content 354',
    chunks: 'chunks 503',
  },
  'BDAT 5': {
    connected: 'skipping skip-octets',
    greeted: 'skipping skip-octets',
    mail: 'skipping skip-octets',
    rcpt: 'content receive-chunk',
    chunks: 'content receive-chunk',
  },
  RSET: {
    connected: 'connected 250',
    greeted: 'greeted 250',
    mail: 'greeted 250',
    rcpt: 'greeted 250',
    chunks: 'greeted 250',
  },
  NOOP: {
    connected: 'connected 250',
    greeted: 'greeted 250',
    mail: 'mail 250',
    rcpt: 'rcpt 250',
    chunks: 'chunks 250',
  },
  'VRFY a': {
    connected: 'connected 252',
    greeted: 'greeted 252',
    mail: 'mail 252',
    rcpt: 'rcpt 252',
    chunks: 'chunks 252',
  },
  'EXPN a': {
    connected: 'connected 502',
    greeted: 'greeted 502',
    mail: 'mail 502',
    rcpt: 'rcpt 502',
    chunks: 'chunks 502',
  },
  HELP: {
    connected: 'connected 214',
    greeted: 'greeted 214',
    mail: 'mail 214',
    rcpt: 'rcpt 214',
    chunks: 'chunks 214',
  },
  STARTTLS: {
    connected: 'handshake start-tls',
    greeted: 'handshake start-tls',
    mail: 'mail 503',
    rcpt: 'rcpt 503',
    chunks: 'chunks 503',
  },
  QUIT: {
    connected: 'closed 221',
    greeted: 'closed 221',
    mail: 'closed 221',
    rcpt: 'closed 221',
    chunks: 'closed 221',
  },
}

test('the table below has every verb', () => {
  const verbs = Object.keys(table).map((line) => line.split(' ', 1)[0])
  assert.deepEqual(new Set(verbs), new Set(Object.keys(commandTable)))
})

for (const [line, cells] of Object.entries(table)) {
  for (const [phase, expected] of Object.entries(cells) as [Phase, string][]) {
    test(`${line} in phase ${phase}: ${expected}`, () => {
      const { state, effects } = run([...toPhase[phase], command(line)])
      const first = told(effects)[0] ?? ''
      assert.equal(`${state.phase} ${/^\d{3}/.exec(first)?.[0] ?? first}`, expected)
    })
  }
}

describe('greeting', () => {
  test('EHLO lists what is offered, without status (RFC 2034 §4)', () => {
    assert.deepEqual(told(run(toPhase.greeted).effects)[0]?.split('\r\n'), [
      '250-relay.example',
      '250-PIPELINING',
      '250-SIZE 1000',
      '250-8BITMIME',
      '250-SMTPUTF8',
      '250-ENHANCEDSTATUSCODES',
      '250-CHUNKING',
      '250-LIMITS RCPTMAX=2 MAILMAX=2',
      '250 STARTTLS',
    ])
  })

  test('STARTTLS is not offered without a certificate, nor a second time', () => {
    const without = run([command('EHLO mx')], { isTlsOffered: false })
    assert.doesNotMatch(told(without.effects).join(''), /STARTTLS/)
    assert.deepEqual(told(run([command('STARTTLS')], { isTlsOffered: false }).effects), [
      '502 5.5.1 Command not implemented',
    ])
    const encrypted = [...toPhase.handshake, { kind: 'encrypted' } as const]
    assert.doesNotMatch(told(run([...encrypted, command('EHLO mx')]).effects).join(''), /STARTTLS/)
    assert.match(told(run([...encrypted, command('STARTTLS')]).effects).join(''), /^503/)
  })

  test('the handshake forgets the greeting, not the errors (RFC 3207 §4.2)', () => {
    const events = [command('DATA'), ...toPhase.handshake, { kind: 'encrypted' } as const]
    const { standing, ...rest } = run(events).state
    assert.deepEqual(rest, { phase: 'connected' })
    assert.deepEqual([standing.isEncrypted, standing.errorCount], [true, 1])
  })
})

describe('MAIL', () => {
  test('a declared size over the limit gets 552 5.3.4, opens nothing and is no mistake', () => {
    const { state, effects } = run([command('EHLO mx'), command('MAIL FROM:<> SIZE=1001')])
    assert.match(told(effects)[0] ?? '', /^552 5\.3\.4 /)
    assert.deepEqual([state.phase, state.standing.errorCount], ['greeted', 0])
    assert.equal(
      run([command('EHLO mx'), command('MAIL FROM:<> SIZE=1000')]).state.phase,
      'judging-sender',
    )
  })

  test('a sender that is refused opens nothing and does not count as a mail', () => {
    const refusal = defer({ kind: 'internal-error' })
    const { state, effects } = run([...toPhase['judging-sender'], senderJudged(refusal)])
    assert.deepEqual(told(effects), ['451 4.3.0 <>: internal error; please try again [T]'])
    assert.deepEqual([state.phase, state.standing.mailCount], ['greeted', 0])
  })

  test('after the last mail allowed the session ends with 421', () => {
    const { state, effects } = run([
      command('EHLO mx'),
      ...mail,
      command('RSET'),
      ...mail,
      command('RSET'),
      ...mail.slice(0, 1),
    ])
    assert.match(told(effects)[0] ?? '', /^421 4\.5\.3 /)
    assert.deepEqual(effects.at(-1), { kind: 'close', reason: 'too-many-mails' })
    assert.equal(state.phase, 'closed')
  })
})

describe('RCPT', () => {
  test('a recipient that is refused leaves everything as it was', () => {
    const refusal = defer({ kind: 'internal-error' })
    for (const before of [toPhase.mail, toPhase.rcpt]) {
      const events = [...before, command('RCPT TO:<x@inst.example>'), recipientJudged(refusal)]
      const { state, effects } = run(events)
      assert.deepEqual(uncounted(state), uncounted(run(before).state))
      assert.match(told(effects)[0] ?? '', /^451 4\.3\.0 <x@inst\.example>: /)
    }
  })

  test('recipients are kept in order', () => {
    const more = [command('RCPT TO:<Postmaster>'), recipientJudged(accept)]
    const { state } = run([...toPhase.rcpt, ...more])
    assert.ok(state.phase === 'rcpt')
    assert.deepEqual(state.recipients, [
      { kind: 'mailbox', mailbox: { local: 'anna', domain: 'inst.example' } },
      { kind: 'postmaster' },
    ])
  })

  test('one too many gets 452 4.5.3 without a question, and the others stay', () => {
    const full = [...toPhase.rcpt, ...rcpt]
    const { state, effects } = run([...full, command('RCPT TO:<c@inst.example>')])
    assert.match(told(effects).join(), /^452 4\.5\.3 <c@inst\.example>: at most 2 recipients/)
    assert.deepEqual(uncounted(state), uncounted(run(full).state))
  })

  test('a UTF-8 local part needs SMTPUTF8 (RFC 6531 §3.2), and no question is asked', () => {
    const { state, effects } = run([...toPhase.mail, command('RCPT TO:<änna@inst.example>')])
    assert.deepEqual(told(effects), ['553 5.6.7 Error: a non-ASCII address needs SMTPUTF8'])
    assert.deepEqual([state.phase, state.standing.errorCount], ['mail', 1])
    const utf8 = [command('EHLO mx'), command('MAIL FROM:<> SMTPUTF8'), senderJudged(accept)]
    const asked = run([...utf8, command('RCPT TO:<änna@inst.example>')])
    assert.deepEqual(told(asked.effects), ['judge-recipient'])
  })

  test('unknown recipients are refused, then delayed, then end the session', () => {
    const guess = [command('RCPT TO:<x@inst.example>'), recipientJudged(unknown)]
    const delayOf = ({ effects: [first] }: Step): number =>
      first?.kind === 'reply' ? first.delayMs : -1
    const once = run([...toPhase.mail, ...guess])
    assert.equal(
      told(once.effects)[0],
      '550 5.1.1 <x@inst.example>: mail.inst.example says: 550 5.1.1 User unknown [T]',
    )
    assert.equal(delayOf(once), 0)
    assert.equal(once.state.standing.errorCount, 0)
    assert.equal(delayOf(run([...toPhase.mail, ...guess, ...guess])), 500)
    const last = run([...toPhase.mail, ...guess, ...guess, ...guess])
    assert.match(told(last.effects)[0] ?? '', /^421 4\.7\.0 /)
    assert.deepEqual(last.effects.at(-1), { kind: 'close', reason: 'too-many-unknown-recipients' })
  })

  test('a new transaction does not forget the guesses', () => {
    const guess = [command('RCPT TO:<x@inst.example>'), recipientJudged(unknown)]
    const { state } = run([...toPhase.mail, ...guess, command('EHLO mx')])
    assert.equal(state.standing.unknownRecipientCount, 1)
  })
})

describe('the final reply', () => {
  function final(verdict: Verdict, words: string): Step {
    return run([...toPhase.final, { kind: 'mail-judged', verdict, traceId: 'T', words }])
  }

  test('names the trace id and what the institute said', () => {
    assert.deepEqual(told(final(accept, 'mail.inst.example says: 250 Ok').effects), [
      '250 2.0.0 Ok: T mail.inst.example says: 250 Ok',
    ])
    assert.deepEqual(told(final(accept, '').effects), ['250 2.0.0 Ok: T'])
  })

  test('names whom a refusal concerns', () => {
    assert.deepEqual(told(final(reject({ kind: 'bare-newline' }), '<a@b.example>').effects), [
      '550 5.5.2 <a@b.example>: bare CR or LF in the content; lines must end in CR LF [T]',
    ])
  })

  for (const verdict of [
    accept,
    defer({ kind: 'storage-failed' }),
    reject({ kind: 'bare-newline' }),
  ]) {
    test(`${verdict.kind} ends the transaction (RFC 5321 §4.1.1.4)`, () => {
      assert.equal(final(verdict, '').state.phase, 'greeted')
    })
  }
})

describe('BDAT', () => {
  const came: SessionEvent = { kind: 'content-complete', isDoomed: false }
  const doomed: SessionEvent = { kind: 'content-complete', isDoomed: true }
  const refused: SessionEvent = {
    kind: 'mail-judged',
    verdict: reject({ kind: 'bare-newline' }),
    traceId: 'T',
    words: '',
  }

  test('each chunk has its reply, the last one the verdict', () => {
    const first = run([...toPhase.rcpt, command('BDAT 5'), came])
    assert.deepEqual(told(first.effects), ['250 2.0.0 Chunk received'])
    const last = run([...toPhase.chunks, command('BDAT 0 LAST')])
    assert.deepEqual(last.effects, [{ kind: 'receive-chunk', sizeBytes: 0, isLast: true }])
    const judging = run([...toPhase.chunks, command('BDAT 0 LAST'), came])
    assert.deepEqual([judging.state.phase, ...told(judging.effects)], ['final', 'judge-mail'])
  })

  test('a mail that cannot be taken is refused at once, its other chunks are dropped', () => {
    const early = [...toPhase.rcpt, command('BDAT 5'), doomed]
    assert.deepEqual(told(run(early).effects), ['judge-mail'])
    const { state, effects } = run([...early, refused])
    assert.match(told(effects)[0] ?? '', /^550 5\.5\.2 /)
    assert.equal(state.phase, 'chunks')
    const more = run([...early, refused, command('BDAT 5')])
    assert.deepEqual(more.effects, [{ kind: 'skip-octets', count: 5 }])
    const dropped = run([...early, refused, command('BDAT 5'), came])
    assert.deepEqual(told(dropped.effects), ['554 5.5.1 Dropped: this mail has been refused'])
    assert.equal(dropped.state.phase, 'chunks')
    assert.equal(run([...early, refused, command('BDAT 5 LAST'), came]).state.phase, 'greeted')
    assert.equal(run([...early, refused, command('BDAT 0 LAST')]).state.phase, 'greeted')
    assert.equal(run([...early, refused, command('RSET')]).state.phase, 'greeted')
    assert.match(told(run([...early, refused, command('MAIL FROM:<>')]).effects)[0] ?? '', /^503/)
  })

  test('without recipients its octets are read, then it is refused', () => {
    const cases = [
      [toPhase.connected, 'connected', '503 5.5.1 Send MAIL first'],
      [toPhase.greeted, 'greeted', '503 5.5.1 Send MAIL first'],
      [toPhase.mail, 'greeted', '554 5.5.1 No valid recipients'],
    ] as const
    for (const [before, phase, reply] of cases) {
      const { state, effects } = run([...before, command('BDAT 5 LAST'), came])
      assert.deepEqual([state.phase, ...told(effects)], [phase, reply])
      assert.equal(state.standing.errorCount, 1)
    }
    assert.equal(run([...toPhase.mail, command('BDAT 5'), came]).state.phase, 'mail')
  })

  test('an empty chunk that is not the last one refuses the mail', () => {
    const { state, effects } = run([...toPhase.rcpt, command('BDAT 0')])
    assert.deepEqual(told(effects), ['554 5.5.1 An empty chunk must be the last one'])
    assert.equal(state.phase, 'chunks')
    assert.match(
      told(run([...toPhase.rcpt, command('BDAT 0'), command('BDAT 0 LAST')]).effects)[0] ?? '',
      /^554/,
    )
  })

  test('far more than the limit, in one chunk or in many, ends the session unread', () => {
    for (const before of [toPhase.connected, toPhase.mail, toPhase.rcpt, toPhase.chunks]) {
      const { state, effects } = run([...before, command('BDAT 9007199254740991')])
      assert.match(told(effects)[0] ?? '', /^552 5\.3\.4 /)
      assert.deepEqual(effects.at(-1), { kind: 'close', reason: 'protocol-violation' })
      assert.equal(state.phase, 'closed')
    }
    const many = Array.from({ length: 3 }, () => [command('BDAT 499'), came]).flat()
    assert.equal(run([...toPhase.rcpt, ...many]).state.phase, 'chunks')
    assert.equal(run([...toPhase.rcpt, ...many, command('BDAT 4')]).state.phase, 'closed')
  })

  test('where it is not offered it ends the session', () => {
    const { state, effects } = run([...toPhase.rcpt, command('BDAT 5')], {
      isChunkingOffered: false,
    })
    assert.match(told(effects)[0] ?? '', /^521 5\.5\.1 /)
    assert.equal(state.phase, 'closed')
    const without = run(toPhase.greeted, { isChunkingOffered: false })
    assert.doesNotMatch(told(without.effects).join(''), /CHUNKING/)
  })
})

test('lines behind which content or another language comes end the session', () => {
  for (const kind of ['bad-chunk', 'not-smtp', 'out-of-turn'] as const) {
    const problem = { kind, detail: 'detail' }
    const { state, effects } = run([...toPhase.greeted, { kind: 'command-problem', problem }])
    assert.match(told(effects)[0] ?? '', /^(?:521 5\.5\.4|421 4\.7\.0|554 5\.5\.0) Error: detail$/)
    assert.equal(state.phase, 'closed')
  }
})

test('what a client has to wait for (RFC 2920 §3.1)', () => {
  const extended = run(toPhase.greeted).state
  const plain = run([command('HELO mx')]).state
  const all = Object.keys(commandTable) as (keyof typeof commandTable)[]
  const awaited = (state: SessionState): readonly string[] =>
    all.filter((verb) => awaitsReply(state, verb))
  assert.deepEqual(awaited(extended), ['EHLO', 'HELO', 'DATA', 'NOOP', 'VRFY', 'EXPN'])
  assert.deepEqual(
    awaited(plain),
    all.filter((verb) => verb !== 'QUIT'),
  )
})

describe('the end of a session', () => {
  test('the error that is one too many still gets its reply, then 421', () => {
    const wrong = command('DATA')
    const before = run([wrong, wrong])
    assert.equal(before.state.phase, 'connected')
    const { state, effects } = run([wrong, wrong, wrong])
    assert.deepEqual(told(effects), [
      '503 5.5.1 Send MAIL first',
      '421 4.7.0 relay.example too many errors, closing connection',
      'close',
    ])
    assert.equal(state.phase, 'closed')
  })

  test('an error limit that falls while a mail is under way does not end it', () => {
    const { state: before } = run([command('DATA'), command('DATA'), ...toPhase.rcpt])
    const strained = { ...rules, maxErrorCount: 1 }
    const { state, effects } = step(strained, before, command('DATA'))
    assert.equal(state.phase, 'content')
    assert.deepEqual(told(effects), ['354 End data with <CR><LF>.<CR><LF>', 'receive-content'])
  })

  test('a mail that was accepted makes up for errors and commands before it', () => {
    const accepted = { kind: 'mail-judged', verdict: accept, traceId: 'T', words: '' } as const
    const { state } = run([command('DATA'), command('NOOP'), ...toPhase.final, accepted])
    const { errorCount, commandCount, idleCommandCount, mailCount } = state.standing
    assert.deepEqual([errorCount, commandCount, idleCommandCount, mailCount], [0, 0, 0, 1])
    const refused = { ...accepted, verdict: reject({ kind: 'bare-newline' }) }
    const { standing } = run([command('DATA'), ...toPhase.final, refused]).state
    assert.equal(standing.errorCount, 1)
  })

  test('commands that bring no mail nearer are counted, the greetings that are due are not', () => {
    const due = [command('EHLO mx'), command('STARTTLS'), { kind: 'encrypted' } as const]
    const idle = ['NOOP', 'RSET', 'VRFY a', 'HELP', 'EHLO mx'].map(command)
    const limits = { maxIdleCommandCount: 5 }
    const { state: before } = run([...due, command('EHLO mx'), ...idle], limits)
    assert.deepEqual([before.phase, before.standing.idleCommandCount], ['greeted', 5])
    const { state, effects } = step({ ...rules, ...limits }, before, command('NOOP'))
    assert.equal(state.phase, 'closed')
    assert.deepEqual(told(effects), [
      '421 4.7.0 relay.example too many commands without a mail, closing connection',
      'close',
    ])
    const mailInstead = step({ ...rules, ...limits }, before, command('MAIL FROM:<>'))
    assert.equal(mailInstead.state.phase, 'judging-sender')
    assert.deepEqual(
      told(step({ ...rules, ...limits }, before, command('QUIT')).effects)[1],
      'close',
    )
  })

  test('commands of all kinds are counted, broken ones too', () => {
    const problem = { kind: 'syntax', detail: 'x' } as const
    const refused = [command('RCPT TO:<x@b.example>'), recipientJudged(unknown)]
    const limits = { maxCommandCount: 4, maxErrorCount: 100 }
    const last = run(
      [...toPhase.mail, ...refused, { kind: 'command-problem', problem }, command('MAIL FROM:<>')],
      limits,
    )
    assert.deepEqual(last.effects.at(-1), { kind: 'close', reason: 'too-many-commands' })
  })

  test('whoever asks to relay elsewhere makes errors, whoever guesses mailboxes is counted apart', () => {
    const elsewhere = reject({ kind: 'not-served', domain: 'b.example' })
    const ask = [command('RCPT TO:<x@b.example>'), recipientJudged(elsewhere)]
    assert.equal(run([...toPhase.mail, ...ask]).state.standing.errorCount, 1)
    const last = run([...toPhase.mail, ...ask, ...ask, ...ask])
    assert.match(told(last.effects)[0] ?? '', /^550 5\.7\.1 /)
    assert.deepEqual(last.effects.at(-1), { kind: 'close', reason: 'too-many-errors' })
  })

  test('each time limit says which one it was', () => {
    const said = (of: 'command' | 'content' | 'session'): string =>
      told(step(rules, initialState, { kind: 'timeout', of }).effects)[0] ?? ''
    assert.match(said('command'), /^421 4\.4\.2 relay\.example timeout, closing/)
    assert.match(
      said('content'),
      /^421 4\.4\.2 relay\.example timeout, the content comes too slowly/,
    )
    assert.match(said('session'), /^421 4\.7\.0 relay\.example the session lasts too long/)
  })

  test('broken lines count as errors', () => {
    const problem = { kind: 'bare-newline', detail: 'lines must end in CR LF' } as const
    const { state, effects } = run([{ kind: 'command-problem', problem }])
    assert.deepEqual(told(effects), ['500 5.5.2 Error: lines must end in CR LF'])
    assert.equal(state.standing.errorCount, 1)
  })

  for (const [kind, reply] of [
    ['timeout', /^421 4\.4\.2 relay\.example timeout,/],
    ['draining', /^421 4\.3\.2 relay\.example /],
  ] as const) {
    test(`${kind} closes with 421 in every phase in which a client may wait`, () => {
      const phases = [
        'connected',
        'greeted',
        'mail',
        'rcpt',
        'content',
        'chunks',
        'skipping',
      ] as const
      for (const phase of phases) {
        const { state, effects } = run([...toPhase[phase], { kind, of: 'command' }])
        assert.match(told(effects)[0] ?? '', reply)
        assert.deepEqual(effects.at(-1), { kind: 'close', reason: kind })
        assert.equal(state.phase, 'closed')
      }
    })
  }
})

/** Judgements nobody asked for are bugs of ours: 451, never a 5yz and never an acceptance. */
const outOfTurn: readonly SessionEvent[] = [
  senderJudged(accept),
  recipientJudged(accept),
  { kind: 'content-complete', isDoomed: false },
  { kind: 'mail-judged', verdict: accept, traceId: 'T', words: '' },
]

for (const event of outOfTurn) {
  test(`${event.kind} out of turn is answered 451 and changes nothing`, () => {
    const { state, effects } = run([...toPhase.greeted, event])
    assert.deepEqual(told(effects), ['451 4.3.0 internal error; please try again'])
    const before: SessionState = run(toPhase.greeted).state
    assert.deepEqual(state, before)
  })
}
