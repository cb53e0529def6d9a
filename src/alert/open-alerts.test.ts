// Alerts on their way: real institute servers, a real registry, a real webhook, all on loopback.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '#base/clock.ts'
import { Deadlines } from '#base/deadlines.ts'
import { openResolver } from '#dns/open-resolver.ts'
import { openNextHops } from '#nexthop/open-next-hops.ts'
import type { PurposeOptions } from '#nexthop/target.ts'
import { openRegistry } from '#registry/open-registry.ts'
import { createServedDomain, type DomainDocument } from '#registry/served-domain.ts'
import { startInstituteServer, type InstituteServer } from '../../demo/institute-server.ts'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import type { AlertEvent, AlertFault, Alerts, MailDelayed, MailHeld } from './alert.ts'
import { openAlerts, type AlertOptions } from './open-alerts.ts'

const operator = { local: 'operator', domain: 'site.example' }

/** `inst.example` is in trouble, `other.example` and the operator's `site.example` are not. */
interface Site extends AsyncDisposable {
  readonly alerts: Alerts
  readonly events: (AlertEvent | AlertFault)[]
  readonly troubled: InstituteServer
  readonly working: InstituteServer
  /** Resolves when so many events of that kind have been. */
  readonly eventsOf: (kind: AlertEvent['kind'], count: number) => Promise<readonly AlertEvent[]>
}

interface SiteOptions extends Partial<AlertOptions> {
  readonly contact?: string
  readonly suspended?: string
}

async function openSite({ contact, suspended, ...changes }: SiteOptions = {}): Promise<Site> {
  await using stack = new AsyncDisposableStack()
  const troubled = stack.use(await startInstituteServer())
  const working = stack.use(await startInstituteServer({ name: 'mail.other.example' }))
  const folder = stack.use(await temporaryFolder())
  const registry = stack.adopt(
    openRegistry({ folder: folder.path, clock: systemClock, emit: () => undefined }),
    (opened) => opened.close(),
  )
  const serve = (document: DomainDocument): void => {
    const made = createServedDomain(document, Date.now())
    assert.ok(made.ok)
    registry.put(made.value)
  }
  const to = (server: InstituteServer): readonly string[] => [`127.0.0.1:${server.port}`]
  serve({ domain: 'inst.example', to: to(troubled), contact: contact ?? 'anna@other.example' })
  serve({ domain: 'other.example', to: to(working), ...(suspended !== undefined && { suspended }) })
  serve({ domain: 'site.example', to: to(working) })
  const nextHops = stack.adopt(loopbackNextHops(), (opened) => opened.close(200))
  const events: (AlertEvent | AlertFault)[] = []
  const alerts = openAlerts({
    hostname: 'relay.example.org',
    postmaster: () => operator,
    isMailSent: true,
    webhook: null,
    digestMs: 60_000,
    times: { collectMs: 50, mailTimeoutMs: 5000, webhookTimeoutMs: 2000, webhookPausesMs: [5] },
    registry,
    nextHops,
    clock: systemClock,
    random: Math.random,
    emit: (event) => events.push(event),
    ...changes,
  })
  const opened = stack.move()
  return {
    alerts,
    events,
    troubled,
    working,
    eventsOf: async (kind, count) => {
      const giveUpAt = performance.now() + 5000
      for (;;) {
        const found = events.filter((event): event is AlertEvent => event.kind === kind)
        if (found.length >= count) return found
        assert.ok(performance.now() < giveUpAt, `${kind}: ${JSON.stringify(events)}`)
        await sleep(5)
      }
    },
    [Symbol.asyncDispose]: async () => {
      await alerts.close(0)
      await opened.disposeAsync()
    },
  }
}

function loopbackNextHops(): ReturnType<typeof openNextHops> {
  const purpose: PurposeOptions = {
    maxConnectionCount: 4,
    maxUsesPerConnection: 100,
    connectTimeoutMs: 2000,
    timeouts: { commandMs: 2000, contentMs: 2000, finalMs: 5000, idleMs: 2000 },
  }
  return openNextHops({
    hostname: 'relay.example.org',
    resolver: openResolver({
      servers: ['127.0.0.1:1'],
      timeoutMs: 200,
      attemptCount: 1,
      clock: systemClock,
      cacheEntryCount: 10,
    }),
    deadlines: new Deadlines({ monotonicMs: systemClock.monotonicMs, intervalMs: 10 }),
    ca: null,
    question: purpose,
    handover: purpose,
    breakerFailureCount: 1,
    breakerRecoveryMs: 60_000,
    now: systemClock.now,
    monotonicMs: systemClock.monotonicMs,
    emit: () => undefined,
  })
}

const delayed: MailDelayed = {
  kind: 'mail-delayed',
  level: 'institute',
  domain: 'inst.example',
  waitingCount: 3,
  oldestReceivedAtMs: Date.UTC(2026, 9, 5, 9),
  ageMs: 3_600_000,
  lastReply: '451 4.3.0 try again later',
  server: 'mail.inst.example',
}

function held(id: string, domain = 'inst.example'): MailHeld {
  const recipients = [`x@${domain}`]
  return { kind: 'mail-held', domain, id, recipients, reason: 'refused', reply: '554 5.7.1 spam' }
}

const kindsOf = ({ events }: Site): readonly string[] => events.map(({ kind }) => kind)

test('the institute is told by mail at an address that works, with the operator as its sender', async () => {
  await using site = await openSite()
  site.alerts.raise(delayed)
  const [sent] = await site.eventsOf('alert-mail-sent', 1)
  const [mail, ...more] = await site.working.waitForMails(1)
  assert.deepEqual(more, [])
  assert.equal(mail?.reversePath, 'operator@site.example')
  assert.deepEqual(mail.recipients, ['anna@other.example'])
  const text = mail.content?.toString() ?? ''
  assert.match(text, /^Subject: \[Pforte\] inst\.example: E-Mails warten seit 60 min/m)
  assert.match(text, /^Auto-Submitted: auto-generated\r$/m)
  assert.match(text, /^Mail for 3 recipients of inst\.example waits/m)
  assert.ok(sent?.kind === 'alert-mail-sent')
  assert.ok(text.includes(`Message-ID: <${sent.messageId}>`))
  assert.equal(sent.audience, 'institute')
  assert.deepEqual(kindsOf(site), ['alert-raised', 'alert-mail-sent'])
  assert.deepEqual(site.troubled.commandTexts, [])
})

test('from the longer time on the operator is told as well', async () => {
  await using site = await openSite()
  site.alerts.raise({ ...delayed, level: 'operator' })
  await site.eventsOf('alert-mail-sent', 2)
  const recipients = site.working.mails.flatMap((mail) => mail.recipients)
  assert.deepEqual(recipients, ['anna@other.example', 'operator@site.example'])
})

test('an operator who is also the contact gets one mail', async () => {
  await using site = await openSite({ contact: 'operator@site.example' })
  site.alerts.raise({ ...delayed, level: 'operator' })
  await site.eventsOf('alert-mail-sent', 1)
  await site.alerts.close(1000)
  assert.equal(site.working.mails.length, 1)
})

const skipped: readonly (readonly [reason: string, options: SiteOptions])[] = [
  ['no-contact', { contact: '+49 89 123' }],
  ['not-served', { contact: 'anna@elsewhere.example' }],
  ['same-route', { contact: 'postmaster@inst.example' }],
  ['suspended', { suspended: 'they move' }],
  ['no-postmaster', { postmaster: () => null }],
]
for (const [reason, options] of skipped) {
  test(`no mail is sent, and no server asked: ${reason}`, async () => {
    await using site = await openSite(options)
    site.alerts.raise(delayed)
    const [event] = await site.eventsOf('alert-mail-skipped', 1)
    assert.equal(event?.kind === 'alert-mail-skipped' && event.reason, reason)
    await site.alerts.close(1000)
    assert.deepEqual([...site.working.connections, ...site.troubled.connections], [])
    assert.deepEqual(kindsOf(site), ['alert-raised', 'alert-mail-skipped'])
  })
}

test('without mail and webhook an alert is still in the log', async () => {
  await using site = await openSite({ isMailSent: false })
  site.alerts.raise(delayed)
  await site.alerts.close(1000)
  assert.deepEqual(site.events, [{ kind: 'alert-raised', alert: delayed }])
})

test('one try: a refusal and a server that is down are told, and not tried again', async () => {
  await using site = await openSite()
  site.working.setScript({ replies: { 'anna@other.example': '550 5.1.1 User unknown' } })
  site.alerts.raise(delayed)
  const [refused] = await site.eventsOf('alert-mail-failed', 1)
  assert.match(refused?.kind === 'alert-mail-failed' ? refused.detail : '', /^550 5\.1\.1/)
  await site.working.pause()
  site.alerts.raise(delayed)
  await site.eventsOf('alert-mail-failed', 2)
  site.alerts.raise(delayed) // the breaker has opened meanwhile
  const [down] = await site.eventsOf('alert-mail-skipped', 1)
  assert.equal(down?.kind === 'alert-mail-skipped' && down.reason, 'target-down')
  assert.equal(site.working.mails.length, 0)
  const rcpts = site.working.commandTexts.filter((text) => text.startsWith('RCPT'))
  assert.equal(rcpts.length, 1)
})

test('held mail is told in one digest, also by way of the server that refused it', async () => {
  await using site = await openSite({ contact: 'postmaster@inst.example' })
  for (let index = 0; index < 30; index += 1) site.alerts.raise(held(`ID${index}`))
  const sent = await site.eventsOf('alert-mail-sent', 2)
  assert.equal(sent.length, 2)
  const [toInstitute] = await site.troubled.waitForMails(1)
  const [toOperator] = await site.working.waitForMails(1)
  assert.deepEqual(toInstitute?.recipients, ['postmaster@inst.example'])
  assert.deepEqual(toOperator?.recipients, ['operator@site.example'])
  assert.match(toOperator.content?.toString() ?? '', /30 mails for inst\.example are held[^]*ID19/)
  assert.equal(site.events.filter(({ kind }) => kind === 'alert-raised').length, 30)
})

test('closing tells what was collected, and waits no longer than told', async () => {
  await using site = await openSite({ times: { ...longTimes, collectMs: 60_000 } })
  site.alerts.raise(held('A'))
  await site.alerts.close(3000)
  assert.deepEqual(
    site.working.mails.flatMap((mail) => mail.recipients),
    ['anna@other.example', 'operator@site.example'],
  )
  site.alerts.raise(delayed)
  const [late] = await site.eventsOf('alert-mail-skipped', 1)
  assert.equal(late?.kind === 'alert-mail-skipped' && late.reason, 'dropped')

  await using slow = await openSite({ times: longTimes })
  slow.working.setScript({ delayMs: { final: 4000 } })
  slow.alerts.raise(delayed)
  const startMs = performance.now()
  await slow.alerts.close(50)
  assert.ok(performance.now() - startMs < 2000)
})

const longTimes = {
  collectMs: 50,
  mailTimeoutMs: 60_000,
  webhookTimeoutMs: 60_000,
  webhookPausesMs: [60_000],
}

test('the webhook gets every alert, whatever becomes of the mail', async () => {
  const bodies: string[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (piece: string) => (body += piece))
    request.on('end', () => {
      bodies.push(body)
      response.writeHead(bodies.length === 1 ? 500 : 204).end() // the first attempt fails
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  try {
    const webhook = `http://127.0.0.1:${port}/hook`
    await using site = await openSite({ webhook, postmaster: () => null })
    site.alerts.raise(delayed)
    site.alerts.raise(held('A'))
    const told = await site.eventsOf('alert-webhook-sent', 2)
    assert.partialDeepStrictEqual(told, [
      { alert: 'mail-delayed', attemptCount: 2 },
      { alert: 'mail-held', attemptCount: 1 },
    ])
    const [, second, third] = bodies.map((body) => JSON.parse(body) as unknown)
    assert.partialDeepStrictEqual(second, { kind: 'mail-delayed', domain: 'inst.example' })
    assert.partialDeepStrictEqual(third, { kind: 'mail-held', mails: [{ id: 'A' }] })
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
