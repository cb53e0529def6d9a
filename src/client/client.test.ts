import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerReply } from '#smtp/reply.ts'
import {
  initialClientState,
  step,
  type Ask,
  type ClientEvent,
  type ClientRules,
  type ClientState,
  type Pending,
  type Transfer,
} from './client.ts'

const ask: Ask = {
  task: 'question',
  reversePath: '',
  recipients: ['x@inst.example'],
  sizeBytes: null,
  isSmtpUtf8: false,
  is8BitMime: false,
}
const transfer: Transfer = {
  ...ask,
  task: 'transfer',
  reversePath: 'a@b.example',
  recipients: ['x@inst.example', 'y@inst.example'],
  sizeBytes: 12,
  client: null,
}

/** What the dialog did: commands as they went out, everything else in words. */
class Dialog {
  #state: ClientState = initialClientState
  readonly #rules: ClientRules

  constructor(tls: ClientRules['tls'] = 'none') {
    this.#rules = { hostname: 'relay.example', tls }
  }

  get phase(): ClientState['phase'] {
    return this.#state.phase
  }

  /** Feeds one event and gives the effects. */
  on(event: ClientEvent): readonly string[] {
    const { state, effects } = step(this.#rules, this.#state, event)
    this.#state = state
    return effects.map((effect) => {
      switch (effect.kind) {
        case 'send':
          return effect.text.replaceAll('\r\n', '|')
        case 'failed':
          return `failed ${effect.failure.stage} ${effect.failure.kind}`
        case 'question-answered':
          return `answer ${effect.reply.code}`
        case 'transfer-answered':
          return `answer ${[...effect.recipients, effect.reply].map(({ code }) => code).join(' ')}`
        case 'recipients-refused':
          return `refused ${effect.recipients.map(({ code }) => code).join(' ')}`
        case 'start-tls':
        case 'ready':
        case 'send-content':
        case 'close':
          return effect.kind
      }
    })
  }

  /** Feeds replies written `250` or `250 line/line`; the effects of all of them. */
  hear(...replies: readonly string[]): readonly string[] {
    return replies.flatMap((text) => this.hearWith('nothing', text))
  }

  hearWith(pending: Pending, text: string): readonly string[] {
    return this.on({ kind: 'reply', reply: peer(text), pending })
  }
}

function peer(text: string): PeerReply {
  return { code: Number(text.slice(0, 3)), status: null, lines: text.slice(4).split('/') }
}

function ready(offers: string): Dialog {
  const dialog = new Dialog()
  assert.deepEqual(dialog.hear('220', `250 x${offers}`), ['EHLO relay.example|', 'ready'])
  return dialog
}

const pipelined = '/PIPELINING/SIZE 1000/8BITMIME/SMTPUTF8'

test('a question goes out in one piece where the server pipelines', () => {
  const dialog = ready(pipelined)
  assert.deepEqual(dialog.on({ kind: 'ask', ask }), ['MAIL FROM:<>|RCPT TO:<x@inst.example>|RSET|'])
  assert.deepEqual(dialog.hear('250', '550', '250'), ['answer 550', 'ready'])
})

test('a question goes out command by command where it does not', () => {
  const dialog = ready('')
  assert.deepEqual(dialog.on({ kind: 'ask', ask }), ['MAIL FROM:<>|'])
  assert.deepEqual(dialog.hear('250'), ['RCPT TO:<x@inst.example>|'])
  assert.deepEqual(dialog.hear('250'), ['RSET|'])
  assert.deepEqual(dialog.hear('250'), ['answer 250', 'ready'])
})

test('MAIL refused: the question has no answer, and without pipelining RCPT is not asked', () => {
  for (const [offers, replies] of [
    ['', ['550']],
    [pipelined, ['550', '503', '250']],
  ] as const) {
    const dialog = ready(offers)
    dialog.on({ kind: 'ask', ask })
    assert.deepEqual(dialog.hear(...replies), ['failed mail refused', 'ready'])
  }
})

test('a refused RSET belongs to the RCPT before it: nothing is believed', () => {
  const dialog = ready(pipelined)
  dialog.on({ kind: 'ask', ask })
  assert.deepEqual(dialog.hear('250', '250', '550'), ['failed rcpt malformed', 'close'])
})

test('a mail, pipelined', () => {
  const dialog = ready(pipelined)
  assert.deepEqual(dialog.on({ kind: 'transfer', transfer }), [
    'MAIL FROM:<a@b.example> SIZE=12|RCPT TO:<x@inst.example>|RCPT TO:<y@inst.example>|DATA|',
  ])
  assert.deepEqual(dialog.hear('250', '250', '250', '354'), ['send-content'])
  assert.deepEqual(dialog.on({ kind: 'content-sent' }), [])
  assert.deepEqual(dialog.hear('250'), ['answer 250 250 250', 'ready'])
})

test('a mail, not pipelined: DATA is not sent when a recipient was refused', () => {
  const dialog = ready('')
  assert.deepEqual(dialog.on({ kind: 'transfer', transfer }), ['MAIL FROM:<a@b.example>|'])
  assert.deepEqual(dialog.hear('250', '550'), [
    'RCPT TO:<x@inst.example>|',
    'RCPT TO:<y@inst.example>|',
  ])
  assert.deepEqual(dialog.hear('250'), ['refused 550 250', 'RSET|'])
  assert.deepEqual(dialog.hear('250'), ['ready'])
})

test('354 although a recipient was refused: closed, and no dot is sent', () => {
  const dialog = ready(pipelined)
  dialog.on({ kind: 'transfer', transfer })
  assert.deepEqual(dialog.hear('250', '550', '250', '354'), ['refused 550 250', 'close'])
  assert.equal(dialog.phase, 'closed')
})

test('DATA refused: RSET, and the connection lives on', () => {
  const dialog = ready(pipelined)
  dialog.on({ kind: 'transfer', transfer })
  assert.deepEqual(dialog.hear('250', '250', '250', '451'), ['failed data refused', 'RSET|'])
  assert.deepEqual(dialog.hear('250'), ['ready'])
})

test('250 to DATA is not taken for a delivery', () => {
  const dialog = ready(pipelined)
  dialog.on({ kind: 'transfer', transfer })
  assert.deepEqual(dialog.hear('250', '250', '250', '250'), ['failed data malformed', 'close'])
})

test('parameters go out where they are offered only', () => {
  const facts: Transfer = { ...transfer, recipients: ['x@inst.example'], is8BitMime: true }
  assert.deepEqual(ready('').on({ kind: 'transfer', transfer: facts }), [
    'MAIL FROM:<a@b.example>|',
  ])
  assert.deepEqual(
    ready('/SIZE/8BITMIME/SMTPUTF8').on({
      kind: 'transfer',
      transfer: { ...facts, isSmtpUtf8: true },
    }),
    ['MAIL FROM:<a@b.example> SIZE=12 BODY=8BITMIME SMTPUTF8|'],
  )
  assert.deepEqual(ready('').on({ kind: 'ask', ask: { ...ask, isSmtpUtf8: true } }), [
    'failed mail smtputf8-unsupported',
    'ready',
  ])
})

test('a server that does not know EHLO is greeted with HELO, and offers nothing', () => {
  const dialog = new Dialog()
  assert.deepEqual(dialog.hear('220', '500'), ['EHLO relay.example|', 'HELO relay.example|'])
  assert.deepEqual(dialog.hear('250 x/PIPELINING'), ['ready'])
  assert.deepEqual(dialog.on({ kind: 'ask', ask }), ['MAIL FROM:<>|'])
})

test('EHLO refused for now, or HELO refused too: no connection', () => {
  assert.deepEqual(new Dialog().hear('220', '451').slice(1), ['failed ehlo refused', 'close'])
  assert.deepEqual(new Dialog().hear('220', '500', '500').slice(2), [
    'failed ehlo refused',
    'close',
  ])
})

const starttls: readonly (readonly [ClientRules['tls'], string, string[], string[]])[] = [
  ['none', '250 x/STARTTLS', [], ['ready']],
  ['opportunistic', '250 x', [], ['ready']],
  ['opportunistic', '250 x/STARTTLS', ['220'], ['STARTTLS|', 'start-tls']],
  ['opportunistic', '250 x/STARTTLS', ['454'], ['STARTTLS|', 'ready']],
  ['opportunistic', '250 x/STARTTLS', ['250'], ['STARTTLS|', 'failed starttls malformed', 'close']],
  ['required', '250 x', [], ['failed starttls tls', 'close']],
  ['required', '250 x/STARTTLS', ['220'], ['STARTTLS|', 'start-tls']],
  ['required', '250 x/STARTTLS', ['454'], ['STARTTLS|', 'failed starttls tls', 'close']],
]

for (const [tls, offer, replies, expected] of starttls) {
  test(`tls ${tls}, ${offer} ${replies.join(' ')}: ${expected.join(', ')}`, () => {
    assert.deepEqual(new Dialog(tls).hear('220', offer, ...replies).slice(1), expected)
  })
}

test('what was offered in clear is forgotten once encrypted', () => {
  const dialog = new Dialog('required')
  dialog.hear('220', '250 x/STARTTLS/PIPELINING', '220')
  assert.deepEqual(dialog.on({ kind: 'encrypted' }), ['EHLO relay.example|'])
  assert.deepEqual(dialog.hear('250 x'), ['ready'])
  assert.deepEqual(dialog.on({ kind: 'ask', ask }), ['MAIL FROM:<>|'])
})

test('bytes behind the reply to STARTTLS are an attack: closed', () => {
  const dialog = new Dialog('opportunistic')
  dialog.hear('220', '250 x/STARTTLS')
  assert.deepEqual(dialog.hearWith('something', '220'), ['failed starttls malformed', 'close'])
})

/** Each phase that awaits a reply, how to come there, and its stage. */
const awaiting: Readonly<Record<string, readonly [stage: string, () => Dialog]>> = {
  banner: ['banner', () => new Dialog()],
  greeting: ['ehlo', () => after(new Dialog(), '220')],
  starttls: ['starttls', () => after(new Dialog('opportunistic'), '220', '250 x/STARTTLS')],
  ready: ['mail', () => ready(pipelined)],
  mail: ['mail', () => asked()],
  rcpt: ['rcpt', () => after(asked(), '250')],
  content: ['content', () => sending()],
}

function after(dialog: Dialog, ...replies: readonly string[]): Dialog {
  dialog.hear(...replies)
  return dialog
}

function asked(): Dialog {
  const dialog = ready(pipelined)
  dialog.on({ kind: 'ask', ask })
  return dialog
}

function sending(): Dialog {
  const dialog = ready(pipelined)
  dialog.on({ kind: 'transfer', transfer })
  return after(dialog, '250', '250', '250', '354')
}

for (const [name, [stage, open]] of Object.entries(awaiting)) {
  test(`421 at ${name} ends the connection as a refusal, and nothing after it counts`, () => {
    const dialog = open()
    assert.deepEqual(dialog.hear('421'), [`failed ${stage} refused`, 'close'])
    assert.deepEqual(dialog.hear('250'), [])
    assert.deepEqual(dialog.on({ kind: 'malformed', detail: 'x' }), [])
  })

  test(`a malformed reply at ${name} ends the connection`, () => {
    const effects = open().on({ kind: 'malformed', detail: 'x' })
    assert.deepEqual(effects, [`failed ${stage} malformed`, 'close'])
  })
}

test('421 behind the content is the answer, and the connection ends', () => {
  const dialog = sending()
  dialog.on({ kind: 'content-sent' })
  assert.deepEqual(dialog.hear('421'), ['answer 250 250 421', 'close'])
})

test('a 250 with 421 behind it: the mail is delivered, the connection ends', () => {
  const dialog = sending()
  dialog.on({ kind: 'content-sent' })
  assert.deepEqual(dialog.hearWith('closing', '250'), ['answer 250 250 250', 'close'])
})

test('354 with 421 behind it: nothing is sent, and the 421 is no answer to it', () => {
  const dialog = ready(pipelined)
  dialog.on({ kind: 'transfer', transfer })
  dialog.hear('250', '250', '250')
  assert.deepEqual(dialog.hearWith('closing', '354'), ['failed data malformed', 'close'])
})

test('an early reply: to no question, and while the content is being sent', () => {
  assert.deepEqual(ready('').hear('250'), ['failed mail malformed', 'close'])
  assert.deepEqual(sending().hear('250'), ['failed content malformed', 'close'])
  assert.deepEqual(sending().hear('452'), ['failed content refused', 'close'])
})

test('5yz within the content is the word about this mail: no dot, and the connection ends', () => {
  for (const pending of ['nothing', 'closing'] as const) {
    const dialog = sending()
    assert.deepEqual(dialog.hearWith(pending, '552'), ['answer 250 250 552', 'close'])
    assert.deepEqual(dialog.on({ kind: 'content-sent' }), [])
    assert.equal(dialog.phase, 'closed')
  }
  assert.deepEqual(sending().hearWith('something', '552'), ['failed content refused', 'close'])
})

test('421 instead of the reply to RSET: what was said of the recipient stands', () => {
  for (const [recipient, answer] of [
    ['550', 'answer 550'],
    ['250', 'answer 250'],
  ] as const) {
    const dialog = after(asked(), '250', recipient)
    assert.deepEqual(dialog.hear('421'), [answer, 'close'])
    assert.deepEqual(dialog.hear('250'), [])
  }
  const refused = ready(pipelined)
  refused.on({ kind: 'transfer', transfer })
  assert.deepEqual(refused.hear('250', '550', '250', '421'), ['refused 550 250', 'close'])
  // It had refused MAIL: nothing was said of the recipient.
  assert.deepEqual(after(asked(), '550', '503').hear('421'), ['failed mail refused', 'close'])
})

test('a second banner is not taken for the answer to EHLO', () => {
  assert.deepEqual(new Dialog().hear('220', '220').slice(1), ['failed ehlo malformed', 'close'])
})

test('a double reply: banner, EHLO, MAIL, the last of a question, the end of data', () => {
  assert.deepEqual(new Dialog().hearWith('something', '220'), ['failed banner malformed', 'close'])
  const greeted = after(new Dialog(), '220')
  assert.deepEqual(greeted.hearWith('something', '250 x'), ['failed ehlo malformed', 'close'])
  const single = ready('')
  single.on({ kind: 'ask', ask })
  assert.deepEqual(single.hearWith('something', '250'), ['failed mail malformed', 'close'])
  const last = after(asked(), '250', '250')
  assert.deepEqual(last.hearWith('something', '250'), ['failed data malformed', 'close'])
  const final = sending()
  final.on({ kind: 'content-sent' })
  assert.deepEqual(final.hearWith('something', '250'), ['failed end-of-data malformed', 'close'])
})

test('a positive reply that belongs to another question does not take the content', () => {
  for (const code of ['211', '214', '220', '221', '235', '251', '252']) {
    const final = sending()
    final.on({ kind: 'content-sent' })
    assert.deepEqual(final.hear(code), ['failed end-of-data malformed', 'close'], code)
  }
  // RFC 5321 §4.3.2: a code nobody knows is read by its first digit.
  const final = sending()
  final.on({ kind: 'content-sent' })
  assert.match(final.hear('200')[0] ?? '', /^answer 250 250 200$/)
})

test('a question out of turn, and QUIT', () => {
  assert.deepEqual(new Dialog().on({ kind: 'ask', ask }), ['failed banner malformed', 'close'])
  assert.deepEqual(ready('').on({ kind: 'quit' }), ['QUIT|', 'close'])
})
