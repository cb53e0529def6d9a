// Pool, dialog, reach and breaker together, over real sockets.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '#base/clock.ts'
import { Deadlines } from '#base/deadlines.ts'
import { openResolver } from '#dns/open-resolver.ts'
import { createRoute, parseEndpoint } from '#registry/route.ts'
import type { Route, TlsPolicy } from '#registry/registry.ts'
import { startInstituteServer } from '../../demo/institute-server.ts'
import { closesAt, hangsAt, playDialog, tlsGarbage } from '../../test/support/hostile-behaviours.ts'
import { startScriptedServer } from '../../test/support/hostile-server.ts'
import { splitTrace } from '../../test/support/trace-fields.ts'
import type { ContentReader, NextHopEvent, NextHops, OutboundMail, Question } from './nexthop.ts'
import { openNextHops } from './open-next-hops.ts'
import type { PurposeOptions, TargetOptions } from './target.ts'

interface Setup extends AsyncDisposable {
  readonly nextHops: NextHops
  readonly events: NextHopEvent[]
}

const purpose: PurposeOptions = {
  maxConnectionCount: 2,
  maxUsesPerConnection: 100,
  connectTimeoutMs: 3000,
  timeouts: { commandMs: 3000, contentMs: 3000, finalMs: 3000, idleMs: 5000 },
}

function setUp(changes: Partial<TargetOptions> = {}): Setup {
  const events: NextHopEvent[] = []
  const resolver = openResolver({
    servers: [],
    timeoutMs: 500,
    attemptCount: 1,
    clock: systemClock,
    cacheEntryCount: 10,
  })
  const nextHops = openNextHops({
    hostname: 'relay.example.org',
    resolver,
    deadlines: new Deadlines({ monotonicMs: systemClock.monotonicMs, intervalMs: 10 }),
    ca: null,
    question: purpose,
    handover: purpose,
    breakerFailureCount: 3,
    breakerRecoveryMs: 60_000,
    now: systemClock.now,
    monotonicMs: systemClock.monotonicMs,
    emit: (event) => events.push(event),
    ...changes,
  })
  return {
    nextHops,
    events,
    [Symbol.asyncDispose]: async () => {
      await nextHops.close(500)
      resolver.close()
    },
  }
}

interface Place {
  readonly address: string
  readonly port: number
}

function routeTo(places: readonly Place[], tls: TlsPolicy = 'none'): Route {
  const [first, ...rest] = places.map(({ address, port }) => {
    const endpoint = parseEndpoint(`${address}:${port}`)
    if (!endpoint.ok) throw new Error(endpoint.problem)
    return endpoint.value
  })
  if (first === undefined) throw new Error('a route needs an endpoint')
  return createRoute([first, ...rest], tls)
}

const question: Question = {
  reversePath: '',
  recipient: 'a@inst.example',
  sizeBytes: null,
  isSmtpUtf8: false,
}
const within = { signal: null, budgetMs: 5000 }

interface WatchedMail extends OutboundMail {
  readonly opened: () => number
  readonly closed: () => number
}

function mailOf(
  recipients: readonly string[],
  text = 'Subject: x\r\n\r\nText.\r\n.\r\n',
): WatchedMail {
  let openedCount = 0
  let closedCount = 0
  const openContent = (): ContentReader => {
    openedCount += 1
    let isRead = false
    return {
      next: () => {
        if (isRead) return null
        isRead = true
        return [Buffer.from(text)]
      },
      close: () => {
        closedCount += 1
      },
    }
  }
  return {
    reversePath: 's@sender.example',
    recipients,
    isSmtpUtf8: false,
    is8BitMime: false,
    sizeBytes: text.length,
    openContent,
    opened: () => openedCount,
    closed: () => closedCount,
  }
}

test('a question and a mail get the words of the server', async () => {
  await using institute = await startInstituteServer({ mailboxes: ['a@inst.example'] })
  await using setup = setUp()
  const route = routeTo([institute])
  assert.equal(setup.nextHops.extensions(route), null)
  const yes = await setup.nextHops.probe(route, question, within)
  assert.equal(yes.kind === 'answered' ? yes.reply.code : yes.cause.detail, 250)
  const no = await setup.nextHops.probe(route, { ...question, recipient: 'b@inst.example' }, within)
  assert.equal(no.kind === 'answered' ? no.reply.status : no.cause.detail, '5.1.1')
  assert.equal(setup.nextHops.extensions(route)?.pipelining, true)
  const mail = mailOf(['a@inst.example'])
  const sent = await setup.nextHops.transfer(route, mail, within)
  assert.equal(sent.kind === 'answered' ? sent.reply.code : sent.kind, 250)
  assert.equal(sent.nextHop.address, '127.0.0.1')
  assert.equal(mail.opened(), 1)
  assert.equal(mail.closed(), 1)
  const { wayOut, rest } = splitTrace(institute.mails[0]?.wire?.toString() ?? '')
  assert.equal(rest, 'Subject: x\r\n\r\nText.\r\n.\r\n')
  assert.equal(
    wayOut,
    'Pforte-TLS: relay.example.org;\r\n\tserver=127.0.0.1; policy=none;\r\n\tresult=clear\r\n',
  )
  assert.equal(institute.mails[0]?.mailParameters, `SIZE=${wayOut.length + rest.length}`)
  assert.deepEqual(
    setup.events.map((event) => event.kind),
    ['next-hop-connected', 'next-hop-connected'],
  )
})

test('half a reply while nobody asks: the connection is not used again', async () => {
  const script = playDialog({
    rset: async (connection) => {
      await connection.send('250 2.0.0 Ok\r\n')
      if (connection.number > 1) return
      await sleep(20)
      await connection.send('25')
    },
  })
  await using server = await startScriptedServer(script)
  await using setup = setUp()
  const route = routeTo([server])
  assert.equal((await setup.nextHops.probe(route, question, within)).kind, 'answered')
  await sleep(200)
  assert.equal((await setup.nextHops.probe(route, question, within)).kind, 'answered')
  assert.deepEqual(
    server.connections.map(({ lines }) => lines.filter((line) => line.startsWith('MAIL')).length),
    [1, 1],
  )
})

test('a recipient refused: nothing is sent, every reply is given, the connection is used on', async () => {
  for (const pipelining of [true, false]) {
    await using institute = await startInstituteServer({
      mailboxes: ['a@inst.example'],
      extensions: { pipelining },
    })
    await using setup = setUp()
    const route = routeTo([institute])
    const mail = mailOf(['a@inst.example', 'b@inst.example'])
    const result = await setup.nextHops.transfer(route, mail, within)
    assert.equal(result.kind, 'recipients-refused')
    assert.deepEqual(
      result.kind === 'recipients-refused' && result.recipients.map(({ code }) => code),
      [250, 550],
    )
    assert.equal(mail.closed(), mail.opened())
    assert.equal(institute.mails.length, 0)
    const next = await setup.nextHops.transfer(route, mailOf(['a@inst.example']), within)
    assert.equal(next.kind, 'answered')
    assert.equal(institute.mails.length, 1)
  }
})

test('the reader is closed and isContentSent is true only when all of it has gone', async () => {
  for (const [stage, isContentSent] of [
    ['data', false],
    ['final', true],
  ] as const) {
    await using server = await startScriptedServer(closesAt(stage))
    await using setup = setUp()
    const mail = mailOf(['a@inst.example'])
    const result = await setup.nextHops.transfer(routeTo([server]), mail, within)
    assert.equal(result.kind, 'no-answer')
    assert.equal(result.kind === 'no-answer' && result.isContentSent, isContentSent)
    assert.equal(mail.closed(), mail.opened())
    assert.equal(server.connections.length, 1)
  }
})

test('content that cannot be read ends the connection, so that no half mail is taken', async () => {
  await using institute = await startInstituteServer()
  await using setup = setUp()
  let pieceCount = 0
  const mail: OutboundMail = {
    ...mailOf(['a@inst.example']),
    openContent: () => ({
      next: async () => {
        pieceCount += 1
        if (pieceCount > 2) throw new Error('the disk is gone')
        return [Buffer.from('Subject: half\r\n')]
      },
      close: () => undefined,
    }),
  }
  const result = await setup.nextHops.transfer(routeTo([institute]), mail, within)
  assert.equal(result.kind === 'no-answer' && result.cause.kind, 'local')
  await sleep(50)
  assert.equal(institute.mails.length, 0)
  assert.equal(setup.nextHops.states()[0]?.consecutiveFailureCount, 0)
})

test('a connection that died while idle is replaced, one that dies at once is not tried for ever', async () => {
  await using server = await startScriptedServer(playDialog({}))
  await using setup = setUp()
  const route = routeTo([server])
  assert.equal((await setup.nextHops.probe(route, question, within)).kind, 'answered')
  // The server forgets us without a word that reaches us before the next question.
  server.setScript(playDialog({}))
  for (const connection of server.connections) connection.reset()
  assert.equal((await setup.nextHops.probe(route, question, within)).kind, 'answered')
  assert.equal(server.connections.length, 2)

  server.setScript(closesAt('mail'))
  for (const connection of server.connections) connection.reset()
  const result = await setup.nextHops.probe(route, question, within)
  assert.equal(result.kind === 'no-answer' && result.cause.kind, 'io')
  assert.equal(server.connections.length, 3)
})

test('no more connections than allowed; who waits too long is told so', async () => {
  await using institute = await startInstituteServer({ delayMs: { rcpt: 200 } })
  await using setup = setUp({ breakerFailureCount: 100 })
  const route = routeTo([institute])
  const ask = async (budgetMs: number): Promise<string> => {
    const result = await setup.nextHops.probe(route, question, { signal: null, budgetMs })
    return result.kind === 'answered' ? 'answered' : `${result.cause.kind} ${result.cause.stage}`
  }
  const asked = [ask(5000), ask(5000), ask(100), ask(5000)]
  await sleep(50)
  assert.equal(setup.nextHops.states()[0]?.waitingCount, 2)
  assert.equal(setup.nextHops.states()[0]?.connectionCount, 2)
  assert.deepEqual(await Promise.all(asked), ['answered', 'answered', 'busy pool', 'answered'])
  assert.equal(institute.counts.peak, 2)
})

test('a connection is used so often, then QUIT; an idle one is closed', async () => {
  await using institute = await startInstituteServer()
  const timeouts = { ...purpose.timeouts, idleMs: 100 }
  await using setup = setUp({ question: { ...purpose, maxUsesPerConnection: 3, timeouts } })
  const route = routeTo([institute])
  for (let count = 0; count < 4; count += 1) await setup.nextHops.probe(route, question, within)
  assert.equal(institute.counts.total, 2)
  await sleep(300)
  assert.equal(institute.counts.current, 0)
  assert.equal(setup.nextHops.states()[0]?.connectionCount, 0)
  assert.ok(institute.connections.every(({ commands }) => commands.at(-1)?.text === 'QUIT'))
})

test('a server that ends connections after some questions loses none, and gets fewer on each', async () => {
  const endsAt = 4
  await using server = await startScriptedServer(
    playDialog({
      rset: async (connection) => {
        const isLast = connection.lines.filter((line) => line === 'RSET').length === endsAt
        await connection.send(isLast ? '554 Too many nonmail commands\r\n' : '250 Ok\r\n')
        if (isLast) connection.end()
      },
    }),
  )
  await using setup = setUp({ breakerFailureCount: 1 })
  const route = routeTo([server])
  for (let count = 0; count < 10; count += 1) {
    const result = await setup.nextHops.probe(route, question, within)
    assert.equal(result.kind, 'answered', `question ${count + 1}`)
  }
  const questionCounts = server.connections.map(
    ({ lines }) => lines.filter((line) => line.startsWith('RCPT')).length,
  )
  // The fourth was asked again; from then on each has three, and the last one two or three.
  assert.deepEqual(questionCounts, [4, 3, 3, 1])
  assert.deepEqual(
    setup.events.filter(({ kind }) => kind === 'next-hop-down'),
    [],
  )
})

test('a fresh connection that breaks off at a question is believed', async () => {
  await using server = await startScriptedServer(
    playDialog({ rset: '554 Too many nonmail commands' }),
  )
  await using setup = setUp()
  const result = await setup.nextHops.probe(routeTo([server]), question, within)
  assert.equal(result.kind === 'no-answer' && result.cause.kind, 'malformed')
  assert.equal(server.connections.length, 1)
})

test('after some refusals a connection is given up: servers slow it down', async () => {
  await using institute = await startInstituteServer({ mailboxes: ['a@inst.example'] })
  await using setup = setUp({ question: { ...purpose, maxRefusalsPerConnection: 2 } })
  const route = routeTo([institute])
  const unknown = { ...question, recipient: 'b@inst.example' }
  for (const asked of [question, unknown, question, unknown, question, question]) {
    await setup.nextHops.probe(route, asked, within)
  }
  const counts = institute.connections.map(
    ({ commands }) => commands.filter(({ text }) => text.startsWith('RCPT')).length,
  )
  assert.deepEqual(counts, [4, 2])
})

test('the first address that answers is taken, and those that do not are tried last', async () => {
  await using dead = await startInstituteServer()
  await using alive = await startInstituteServer()
  const places = [
    { address: dead.address, port: dead.port },
    { address: alive.address, port: alive.port },
  ]
  await dead.pause()
  await using setup = setUp({ question: { ...purpose, maxUsesPerConnection: 1 } })
  const route = routeTo(places)
  for (const _round of [1, 2]) {
    const result = await setup.nextHops.probe(route, question, within)
    assert.equal(result.kind, 'answered')
    assert.equal(result.nextHop.port, alive.port)
  }
  const failed = setup.events.filter((event) => event.kind === 'next-hop-failed')
  assert.equal(failed.length, 1)
})

test('a server that hangs costs no more than the budget', async () => {
  await using server = await startScriptedServer(hangsAt('banner'))
  await using setup = setUp()
  const startMs = performance.now()
  const short = { signal: null, budgetMs: 150 }
  const result = await setup.nextHops.probe(routeTo([server, server]), question, short)
  assert.equal(result.kind, 'no-answer')
  assert.ok(performance.now() - startMs < 500)
})

test('three failures open the breaker; then nobody connects, until an answer closes it', async () => {
  await using institute = await startInstituteServer()
  const route = routeTo([institute])
  await institute.pause()
  await using setup = setUp({ breakerRecoveryMs: 100 })
  for (let count = 0; count < 3; count += 1) {
    assert.equal(setup.nextHops.isBreakerOpen(route), false)
    const result = await setup.nextHops.probe(route, question, within)
    assert.equal(result.kind === 'no-answer' && result.cause.kind, 'io')
  }
  assert.equal(setup.nextHops.isBreakerOpen(route), true)
  const mail = mailOf(['a@inst.example'])
  const refused = await setup.nextHops.transfer(route, mail, within)
  assert.equal(refused.kind === 'no-answer' && refused.cause.kind, 'breaker-open')
  assert.equal(refused.kind === 'no-answer' && refused.isContentSent, false)
  assert.equal(refused.tookMs, 0)
  assert.equal(mail.opened(), 0)
  await institute.resume()
  await sleep(300)
  assert.equal(setup.nextHops.isBreakerOpen(route), false)
  assert.equal((await setup.nextHops.transfer(route, mail, within)).kind, 'answered')
  const kinds = setup.events.map((event) => event.kind)
  assert.equal(kinds.filter((kind) => kind === 'next-hop-down').length, 1)
  assert.equal(kinds.filter((kind) => kind === 'next-hop-up').length, 1)
})

test('asked to recover, the breaker asks at once, once for all who want to know', async () => {
  await using institute = await startInstituteServer()
  const route = routeTo([institute])
  await using setup = setUp({ breakerFailureCount: 1 })
  assert.equal(await setup.nextHops.recover(route), true)
  assert.equal(institute.counts.total, 0)
  await institute.pause()
  await setup.nextHops.probe(route, question, within)
  assert.equal(setup.nextHops.isBreakerOpen(route), true)
  await institute.resume()
  const { recover } = setup.nextHops
  assert.deepEqual(await Promise.all([recover(route), recover(route)]), [true, true])
  assert.equal(institute.counts.total, 1)
  assert.equal(setup.nextHops.isBreakerOpen(route), false)
  assert.equal(setup.events.filter(({ kind }) => kind === 'next-hop-up').length, 1)
  assert.equal((await setup.nextHops.probe(route, question, within)).kind, 'answered')
  assert.equal(institute.counts.total, 1)
})

test('a server that stays away is asked once in a second', async () => {
  await using institute = await startInstituteServer()
  const route = routeTo([institute])
  await using setup = setUp({ breakerFailureCount: 1 })
  await institute.pause()
  await setup.nextHops.probe(route, question, within)
  const { recover } = setup.nextHops
  assert.deepEqual(await Promise.all([recover(route), recover(route)]), [false, false])
  assert.equal(await recover(route), false)
  const failures = setup.events.filter(({ kind }) => kind === 'next-hop-failed')
  assert.equal(failures.length, 2) // the question, and the one of recovery
})

test('behind a server that hangs only so many wait; one more hears of it at once', async () => {
  await using server = await startScriptedServer(hangsAt('final'))
  await using healthy = await startInstituteServer({ mailboxes: 'all' })
  await using site = setUp({ handover: { ...purpose, maxWaitingCount: 3 } })
  const route = routeTo([server])
  const send = async (budgetMs: number, precedence: 'session' | 'spool'): Promise<string> => {
    const options = { signal: null, budgetMs, precedence }
    const result = await site.nextHops.transfer(route, mailOf(['a@inst.example']), options)
    return result.kind === 'no-answer' ? `${result.cause.kind} ${result.cause.stage}` : result.kind
  }
  const stuck = [send(1500, 'session'), send(1500, 'session')]
  const waiting = Array.from({ length: 3 }, () => send(700, 'session'))
  const startMs = performance.now()
  const turnedAway = await Promise.all([send(700, 'session'), send(700, 'session')])
  assert.deepEqual(turnedAway, ['busy pool', 'busy pool'])
  assert.ok(performance.now() - startMs < 300)
  await sleep(100)
  assert.equal(site.nextHops.states()[0]?.waitingCount, 3)
  // The spool has a limit of its own; another server is not concerned.
  waiting.push(send(600, 'spool'))
  assert.equal(site.nextHops.states()[0]?.waitingCount, 4)
  const other = await site.nextHops.transfer(routeTo([healthy]), mailOf(['a@x.example']), within)
  assert.equal(other.kind, 'answered')
  assert.deepEqual(await Promise.all(waiting), Array(4).fill('busy pool'))
  assert.deepEqual(await Promise.all(stuck), Array(2).fill('timeout end-of-data'))
})

test('mail of sessions overtakes mail of the spool that waits', async () => {
  await using institute = await startInstituteServer({ mailboxes: 'all', delayMs: { final: 50 } })
  await using setup = setUp({ handover: { ...purpose, maxConnectionCount: 1 } })
  const route = routeTo([institute])
  const send = async (name: string, precedence: 'session' | 'spool'): Promise<string> => {
    const mail = mailOf([`${name}@inst.example`])
    const result = await setup.nextHops.transfer(route, mail, { ...within, precedence })
    return result.kind
  }
  const sent = [send('first', 'spool'), send('x', 'spool'), send('y', 'spool')]
  while (!institute.commandTexts.includes('DATA')) await sleep(5) // the first one has the connection
  sent.push(send('a', 'session'), send('b', 'session'))
  assert.deepEqual(
    await Promise.all(sent),
    sent.map(() => 'answered'),
  )
  const order = institute.mails.map(({ recipients }) => recipients[0]?.split('@')[0])
  assert.deepEqual(order, ['first', 'a', 'b', 'x', 'y'])
  assert.equal(institute.counts.total, 1)
})

test('that a server cannot do TLS is learned once, by questions and mails together', async () => {
  await using server = await startScriptedServer(tlsGarbage())
  await using setup = setUp()
  const route = routeTo([server], 'opportunistic')
  assert.equal((await setup.nextHops.probe(route, question, within)).kind, 'answered')
  const sent = await setup.nextHops.transfer(route, mailOf(['a@inst.example']), within)
  assert.equal(sent.kind, 'answered')
  const failures = setup.events.filter(({ kind }) => kind === 'next-hop-failed')
  assert.equal(failures.length, 1)
})

test('a refusal while other connections live lowers their number, and opens no breaker', async () => {
  await using institute = await startInstituteServer({
    limits: { connections: 2 },
    delayMs: { final: 30 },
  })
  await using setup = setUp({ handover: { ...purpose, maxConnectionCount: 10 } })
  const route = routeTo([institute])
  const first = await setup.nextHops.transfer(route, mailOf(['a@inst.example']), within)
  assert.equal(first.kind, 'answered')
  const results = await Promise.all(
    Array.from({ length: 12 }, () =>
      setup.nextHops.transfer(route, mailOf(['a@inst.example']), within),
    ),
  )
  assert.deepEqual(
    results.map(({ kind }) => kind),
    results.map(() => 'answered'),
  )
  assert.equal(institute.mails.length, 13)
  assert.ok(institute.counts.total <= 11, `${institute.counts.total} connections`)
  assert.equal(setup.nextHops.isBreakerOpen(route), false)
})

test('close says QUIT to idle servers, and waits for a mail in progress', async () => {
  await using institute = await startInstituteServer({ delayMs: { final: 150 } })
  const setup = setUp()
  const route = routeTo([institute])
  await setup.nextHops.probe(route, question, within)
  const sending = setup.nextHops.transfer(route, mailOf(['a@inst.example']), within)
  await sleep(50)
  await setup.nextHops.close(1000)
  assert.equal((await sending).kind, 'answered')
  assert.equal(institute.mails.length, 1)
  await setup[Symbol.asyncDispose]()
  await sleep(20)
  assert.equal(institute.counts.current, 0)
})

test('a server that takes no new connection is not hammered while an old one is busy', async () => {
  await using institute = await startInstituteServer({
    mailboxes: 'all',
    delayMs: { final: 800 },
  })
  await using setup = setUp({ breakerFailureCount: 1000 })
  const route = routeTo([institute])
  const first = setup.nextHops.transfer(route, mailOf(['a@inst.example']), within)
  await sleep(200)
  await institute.pause('keep')
  const second = setup.nextHops.transfer(route, mailOf(['b@inst.example']), within)
  assert.equal((await first).kind, 'answered')
  assert.equal((await second).kind, 'answered') // over the connection of the first
  const failures = setup.events.filter(({ kind }) => kind === 'next-hop-failed')
  assert.ok(failures.length <= 2, `${failures.length} attempts`)
})
