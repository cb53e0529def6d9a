import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerReply } from '#smtp/reply.ts'
import {
  initialClientState,
  step,
  type ClientEvent,
  type ClientState,
  type Pending,
} from './client.ts'
import { encodeXtext, type PresentedClient } from './present-client.ts'

const client: PresentedClient = {
  address: '192.0.2.7',
  port: 40112,
  name: { kind: 'found', name: 'mx.sender.example' },
  greetingName: 'mx.sender.example',
  isExtended: true,
}
const all = 'XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR'

function reply(text: string, pending: Pending = 'nothing'): ClientEvent {
  const parsed: PeerReply = {
    code: Number(text.slice(0, 3)),
    status: null,
    lines: text.slice(4).split('/'),
  }
  return { kind: 'reply', reply: parsed, pending }
}

/** Effects of each event, in words. */
function play(
  presented: PresentedClient | null,
  offers: string,
  ...events: ClientEvent[]
): string[] {
  let state: ClientState = initialClientState
  const said: string[] = []
  const transfer = {
    task: 'transfer',
    reversePath: 'a@b.example',
    recipients: ['x@inst.example'],
    sizeBytes: null,
    isSmtpUtf8: false,
    is8BitMime: false,
    client: presented,
  } as const
  const opening = [
    reply('220 x'),
    reply(`250 x/${offers}`),
    { kind: 'transfer', transfer } as const,
  ]
  for (const event of [...opening, ...events]) {
    const next = step({ hostname: 'relay.example', tls: 'none' }, state, event)
    state = next.state
    for (const effect of next.effects) {
      if (effect.kind === 'send') said.push(effect.text.trimEnd())
      else if (effect.kind === 'failed') said.push(`${effect.failure.stage} ${effect.failure.kind}`)
      else said.push(effect.kind)
    }
  }
  return said.slice(2)
}

test('the client is told of, the dialog begins anew, then the mail', () => {
  assert.deepEqual(play(client, all, reply('220 x'), reply('250 x'), reply('250 ok')), [
    'XCLIENT NAME=mx.sender.example ADDR=192.0.2.7 PORT=40112 PROTO=ESMTP HELO=mx.sender.example',
    'EHLO mx.sender.example',
    'MAIL FROM:<a@b.example>',
    'RCPT TO:<x@inst.example>',
  ])
})

test('only what the server knows is sent, and what is not known is said to be so', () => {
  const cases: readonly (readonly [PresentedClient, string, string])[] = [
    [client, 'XCLIENT ADDR', 'XCLIENT ADDR=192.0.2.7'],
    [
      { ...client, address: '2001:db8::7' },
      'xclient addr port',
      'XCLIENT ADDR=IPV6:2001:db8::7 PORT=40112',
    ],
    [
      { ...client, name: { kind: 'none' } },
      'XCLIENT NAME ADDR',
      'XCLIENT NAME=[UNAVAILABLE] ADDR=192.0.2.7',
    ],
    [
      { ...client, name: { kind: 'failed' } },
      'XCLIENT NAME ADDR',
      'XCLIENT NAME=[TEMPUNAVAIL] ADDR=192.0.2.7',
    ],
    [
      { ...client, port: null, isExtended: null, greetingName: '' },
      all,
      'XCLIENT NAME=mx.sender.example ADDR=192.0.2.7 PORT=[UNAVAILABLE] HELO=[UNAVAILABLE]',
    ],
    [
      { ...client, isExtended: false, greetingName: 'a b+c=ü' },
      'XCLIENT ADDR PROTO HELO',
      'XCLIENT ADDR=192.0.2.7 PROTO=SMTP HELO=a+20b+2Bc+3D+C3+BC',
    ],
  ]
  for (const [presented, offers, command] of cases) {
    assert.equal(play(presented, offers)[0], command)
  }
})

test('a server that does not offer it, or not the address, gets the mail as before', () => {
  for (const [presented, offers] of [
    [client, 'SIZE'],
    [client, 'XCLIENT'],
    [client, 'XCLIENT NAME HELO'],
    [null, all],
  ] as const) {
    assert.deepEqual(play(presented, offers), ['MAIL FROM:<a@b.example>'])
  }
})

test('a greeting that is no name is not said: it is a command line of ours', () => {
  for (const greetingName of [
    'a b',
    'x\r\nMAIL FROM:<evil@x.example>',
    '',
    '-',
    '[192.0.2.7',
    'ü.example',
  ]) {
    const said = play({ ...client, greetingName }, all, reply('220 x'))
    assert.equal(said[1], 'EHLO relay.example', greetingName)
    assert.equal(said[0]?.includes('\n'), false)
  }
  assert.equal(
    play({ ...client, greetingName: '[IPv6:2001:db8::7]' }, all, reply('220 x'))[1],
    'EHLO [IPv6:2001:db8::7]',
  )
})

test('no command is longer than RFC 5321 allows', () => {
  const long: PresentedClient = {
    ...client,
    name: { kind: 'found', name: `${'a'.repeat(63)}.`.repeat(3) + 'example' },
    greetingName: '='.repeat(255),
  }
  const [command = ''] = play(long, all)
  assert.ok(command.length <= 510, command)
  assert.match(command, /ADDR=192\.0\.2\.7/)
})

test('refused, temporarily or not: no word about the mail', () => {
  for (const text of ['550 5.7.0 no', '421 4.3.2 bye', '450 4.7.1 slow']) {
    assert.deepEqual(play(client, all, reply(text)).slice(1), ['xclient refused', 'close'])
    assert.deepEqual(play(client, all, reply('220 x'), reply(text)).slice(2), [
      'xclient refused',
      'close',
    ])
  }
})

test('replies out of step end the connection', () => {
  assert.deepEqual(play(client, all, reply('250 ok')).slice(1), ['xclient malformed', 'close'])
  assert.deepEqual(play(client, all, reply('220 x', 'something')).slice(1), [
    'xclient malformed',
    'close',
  ])
  assert.deepEqual(play(client, all, reply('220 x'), reply('220 x')).slice(2), [
    'xclient malformed',
    'close',
  ])
})

test('xtext is what RFC 3461 says', () => {
  assert.equal(encodeXtext('a+b=c d\t\u007f~!'), 'a+2Bb+3Dc+20d+09+7F~!')
})
