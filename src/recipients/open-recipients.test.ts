import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import { unknownProfile } from '#registry/server-profile.ts'
import { noExtensions } from '#smtp/extensions.ts'
import {
  noAnswer,
  peerReply,
  scriptedNextHops,
  servedDomain,
  type ScriptedNextHops,
} from '../../test/support/scripted-next-hops.ts'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { openRecipients, type RecipientOptions } from './open-recipients.ts'
import type { RecipientAnswer, RecipientEvent, RecipientFault, Recipients } from './recipients.ts'
import { storeFileName } from './store-schema.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const domain = servedDomain('inst.example')
const ok = peerReply('250 2.1.5 Ok')
const unknownUser = peerReply('550 5.1.1 User unknown')

interface Setting {
  readonly recipients: Recipients
  readonly nextHops: ScriptedNextHops
  readonly events: (RecipientEvent | RecipientFault)[]
  readonly time: { ms: number }
  readonly verify: (local: string, changes?: Partial<typeof anyQuery>) => Promise<string>
  /** Recipients asked for, catch-all questions left out. */
  readonly questions: () => string[]
}

const anyQuery = {
  domain,
  isSmtpUtf8: false,
  sizeBytes: null as number | null,
}

function open(context: TestContext, changes: Partial<RecipientOptions> = {}): Setting {
  const nextHops = scriptedNextHops((question) => {
    return question.recipient.startsWith('pforte-check-') ? unknownUser : ok
  })
  const events: (RecipientEvent | RecipientFault)[] = []
  const time = { ms: 1000 * day }
  const recipients = openRecipients({
    nextHops,
    folder: null,
    clock: { now: () => time.ms, monotonicMs: () => time.ms },
    random: Math.random,
    emit: (event) => events.push(event),
    positiveFreshMs: 24 * hour,
    positiveRefreshMs: 12 * hour,
    positiveStaleMs: 31 * day,
    negativeFreshMs: minute,
    negativeLimitMs: 5 * minute,
    demoteAfterMs: 10 * minute,
    totalTimeoutMs: 20_000,
    probeSender: 'probe@relay.example',
    maxEntriesPerDomain: 1000,
    catchAllIntervalMs: day,
    ...changes,
  })
  context.after(() => recipients.close())
  return {
    recipients,
    nextHops,
    events,
    time,
    verify: async (local, query = {}) => {
      const served = query.domain ?? domain
      const mailbox = { local, domain: served.domain }
      return say(await recipients.verify({ ...anyQuery, ...query, mailbox }))
    },
    questions: () =>
      nextHops.asked
        .map(({ question }) => question.recipient)
        .filter((recipient) => !recipient.startsWith('pforte-check-')),
  }
}

function say({ verdict, source }: RecipientAnswer): string {
  return `${verdict.kind === 'accept' ? 'accept' : verdict.reason.kind} (${source})`
}

/** Background questions of scripted next hops are done after a turn of the event loop. */
async function background(): Promise<void> {
  const { setImmediate } = await import('node:timers/promises')
  await setImmediate()
}

test('the first asker asks, the next one gets a value at once and no question', async (context) => {
  const { verify, recipients, questions } = open(context)
  assert.equal(await verify('x'), 'accept (live)')
  const answer = recipients.verify({ ...anyQuery, mailbox: { local: 'x', domain: 'inst.example' } })
  assert.ok(!(answer instanceof Promise))
  assert.equal(say(answer), 'accept (cache)')
  assert.equal(answer.isKnownGood, true)
  assert.deepEqual(questions(), ['x@inst.example'])
})

test('fifty askers of one address are one question', async (context) => {
  const { verify, nextHops, questions } = open(context)
  const { promise, resolve } = Promise.withResolvers<typeof ok>()
  nextHops.answer = () => promise
  const askers = Array.from({ length: 50 }, () => verify('x'))
  resolve(ok)
  assert.deepEqual(new Set(await Promise.all(askers)), new Set(['accept (live)']))
  assert.deepEqual(questions(), ['x@inst.example'])
})

test('different local parts, also by case alone, are different questions', async (context) => {
  const { verify, questions } = open(context)
  await Promise.all([verify('x'), verify('X'), verify('x+tag')])
  assert.equal(questions().length, 3)
})

test('with a separator the tag belongs to the same question', async (context) => {
  const { verify, questions } = open(context)
  const tagged = servedDomain('inst.example', { subaddressSeparator: '+' })
  await verify('x+one', { domain: tagged })
  assert.equal(await verify('x+two', { domain: tagged }), 'accept (cache)')
  assert.deepEqual(questions(), ['x@inst.example'])
})

test('a mailbox created a minute ago works at once', async (context) => {
  const { verify, nextHops, time } = open(context)
  nextHops.answer = () => unknownUser
  assert.equal(await verify('x'), 'recipient-unknown (live)')
  assert.equal(await verify('x'), 'recipient-unknown (cache)')
  nextHops.answer = () => ok
  time.ms += minute + 1
  assert.equal(await verify('x'), 'accept (live)')
})

test('an outage: known good is accepted, the rest is told to come back', async (context) => {
  const { verify, nextHops, time, questions } = open(context)
  await verify('good')
  nextHops.answer = () => unknownUser
  await verify('bad')
  nextHops.isDown = true
  time.ms += 2 * minute
  assert.equal(await verify('good'), 'accept (cache)')
  assert.equal(await verify('bad'), 'recipient-unknown (cache)')
  assert.equal(await verify('new'), 'next-hop-unreachable (cache)')
  time.ms += 30 * day
  assert.equal(await verify('good'), 'accept (cache)')
  assert.equal(await verify('bad'), 'next-hop-unreachable (cache)')
  assert.equal(questions().length, 2)
})

test('a 5yz at EHLO never becomes a 550, and clobbers nothing', async (context) => {
  const { verify, nextHops, time } = open(context)
  await verify('x')
  nextHops.answer = () => noAnswer('refused', 'ehlo', peerReply('550 5.1.1 User unknown'))
  assert.equal(await verify('y'), 'next-hop-unreachable (live)')
  time.ms += 25 * hour
  assert.equal(await verify('x'), 'accept (cache)')
})

test('past the refresh age: accepted from memory, asked once in the background', async (context) => {
  const { verify, time, questions, events } = open(context)
  await verify('x')
  time.ms += 13 * hour
  assert.equal(await verify('x'), 'accept (cache)')
  assert.equal(await verify('x'), 'accept (cache)')
  await background()
  assert.equal(questions().length, 2)
  time.ms += 13 * hour // 26 h after the first answer, 13 h after the refresh
  assert.equal(await verify('x'), 'accept (cache)')
  assert.ok(events.some((event) => event.kind === 'recipient-asked' && event.purpose === 'refresh'))
})

test('two background refusals ten minutes apart take a positive back', async (context) => {
  const { verify, nextHops, time, events } = open(context)
  await verify('x')
  nextHops.answer = () => unknownUser
  time.ms += 13 * hour
  for (const waitMs of [0, 5 * minute, 5 * minute]) {
    time.ms += waitMs
    assert.equal(await verify('x'), 'accept (cache)')
    await background()
  }
  assert.equal(await verify('x'), 'recipient-unknown (cache)')
  const demoted = events.filter((event) => event.kind === 'recipient-demoted')
  assert.deepEqual(demoted, [
    { kind: 'recipient-demoted', recipient: 'x@inst.example', by: 'refresh', reply: unknownUser },
  ])
})

test('a delivery teaches: a refusal demotes at once, a yes is remembered, the rest is not', async (context) => {
  const { verify, recipients, nextHops, events, questions } = open(context)
  const mailbox = { local: 'x', domain: 'inst.example' }
  await verify('x')
  const heard = recipients.learn(domain, mailbox, peerReply('452 4.2.2 full'), nextHops.facts)
  assert.equal(heard.kind === 'defer' && heard.reason.kind, 'mailbox-full')
  assert.equal(await verify('x'), 'accept (cache)')
  const refused = recipients.learn(domain, mailbox, unknownUser, nextHops.facts)
  assert.equal(refused.kind === 'reject' && refused.reason.kind, 'recipient-unknown')
  assert.equal(await verify('x'), 'recipient-unknown (cache)')
  const taken = recipients.learn(domain, { ...mailbox, local: 'new' }, ok, nextHops.facts)
  assert.equal(taken.kind, 'accept')
  assert.equal(await verify('new'), 'accept (cache)')
  assert.equal(recipients.show({ ...mailbox, local: 'new' })?.source, 'delivery')
  assert.deepEqual(questions(), ['x@inst.example'])
  assert.equal(events.filter((event) => event.kind === 'recipient-demoted').length, 1)
})

test('a target that refuses the null reverse-path is asked with the probe sender from then on', async (context) => {
  await using folder = await temporaryFolder()
  const script: ScriptedNextHops['answer'] = ({ reversePath, recipient }) => {
    if (reversePath === '') return noAnswer('refused', 'mail', peerReply('550 5.7.1 no bounces'))
    return recipient.startsWith('pforte-check-') ? unknownUser : ok
  }
  const first = open(context, { folder: folder.path })
  first.nextHops.answer = script
  assert.equal(await first.verify('x'), 'accept (live)')
  assert.equal(await first.verify('y'), 'accept (live)')
  await background()
  const senders = (setting: Setting): string[] =>
    setting.nextHops.asked.map(({ question }) => question.reversePath)
  assert.deepEqual(
    senders(first).filter((sender) => sender === ''),
    [''],
  )
  await first.recipients.close()
  const second = open(context, { folder: folder.path })
  second.nextHops.answer = script
  await second.verify('z')
  assert.equal(senders(second)[0], 'probe@relay.example')
})

test('both senders refused: unknown, two questions', async (context) => {
  const { verify, nextHops } = open(context)
  nextHops.answer = () => noAnswer('refused', 'mail', peerReply('550 5.7.1 nobody'))
  assert.equal(await verify('x'), 'next-hop-unreachable (live)')
  assert.equal(nextHops.asked.length, 2)
})

test('a catch-all target is found in the background and not believed in an outage', async (context) => {
  const { verify, nextHops, events, time } = open(context)
  nextHops.answer = () => ok
  await verify('x')
  await background()
  const found = events.filter((event) => event.kind === 'catch-all-found')
  assert.equal(found.length, 1)
  assert.equal(await verify('x'), 'accept (cache)')
  nextHops.isDown = true
  assert.equal(await verify('x'), 'next-hop-unreachable (cache)')
  nextHops.isDown = false
  await verify('y')
  await background()
  assert.equal(nextHops.asked.length, 3) // x, the random one, y
  time.ms += day
  await verify('z')
  await background()
  assert.equal(nextHops.asked.length, 5) // once a day
})

test('a pin accepts whatever the target says, until it runs out', async (context) => {
  const { verify, recipients, nextHops, time } = open(context)
  nextHops.answer = () => unknownUser
  await verify('x')
  recipients.pin({ local: 'x', domain: 'inst.example' }, time.ms + hour)
  assert.equal(await verify('x'), 'accept (pin)')
  assert.equal(recipients.show({ local: 'x', domain: 'inst.example' })?.source, 'pin')
  time.ms += hour
  assert.equal(await verify('x'), 'recipient-unknown (live)')
})

test('a recipient list counts as known good and is replaced as a whole', async (context) => {
  const { verify, recipients, nextHops } = open(context)
  const mailbox = (local: string): { local: string; domain: string } => ({
    local,
    domain: 'inst.example',
  })
  assert.equal(recipients.replaceList(domain, [mailbox('a'), mailbox('b'), mailbox('a')]), 2)
  nextHops.isDown = true
  assert.equal(await verify('a'), 'accept (list)')
  assert.equal(recipients.show(mailbox('a'))?.source, 'list')
  recipients.replaceList(domain, [mailbox('b')])
  assert.equal(await verify('a'), 'next-hop-unreachable (cache)')
})

test('forget makes the next one ask', async (context) => {
  const { verify, recipients } = open(context)
  await verify('x')
  assert.equal(recipients.forget({ local: 'x', domain: 'inst.example' }), true)
  assert.equal(recipients.forget({ local: 'x', domain: 'inst.example' }), false)
  assert.equal(recipients.show({ local: 'x', domain: 'inst.example' }), undefined)
  assert.equal(await verify('x'), 'accept (live)')
})

test('ask asks whatever is remembered, and remembers', async (context) => {
  const { verify, recipients, nextHops } = open(context)
  await verify('x')
  nextHops.answer = () => unknownUser
  const mailbox = { local: 'x', domain: 'inst.example' }
  const { outcome, record, answer } = await recipients.ask({ ...anyQuery, mailbox })
  assert.equal(outcome.kind, 'undeliverable')
  assert.equal(record.reply, '550 5.1.1 User unknown')
  assert.equal(record.nextHop?.address, '192.0.2.25')
  assert.equal(say(answer), 'recipient-unknown (live)')
  assert.equal(await verify('x'), 'recipient-unknown (cache)')
})

test('a size the profile or the server refuses needs no question', async (context) => {
  const { verify, nextHops, questions } = open(context)
  const small = servedDomain('inst.example', {
    profile: { ...unknownProfile, maxMessageBytes: 1000 },
  })
  assert.equal(
    await verify('x', { domain: small, sizeBytes: 1001 }),
    'too-large-for-recipient (cache)',
  )
  nextHops.offered = { ...noExtensions, size: 500 }
  assert.equal(await verify('x', { sizeBytes: 501 }), 'too-large-for-recipient (cache)')
  assert.deepEqual(questions(), [])
  assert.equal(await verify('x', { domain: small, sizeBytes: 500 }), 'accept (live)')
})

test('too big for one asker is not too big for another who shared the question', async (context) => {
  const { verify, nextHops } = open(context)
  const { promise, resolve } = Promise.withResolvers<undefined>()
  nextHops.answer = async ({ sizeBytes }) => {
    await promise
    return (sizeBytes ?? 0) > 100 ? peerReply('552 5.3.4 too big') : ok
  }
  const answers = [verify('x', { sizeBytes: 1000 }), verify('x', { sizeBytes: 10 }), verify('x')]
  resolve(undefined)
  assert.deepEqual(await Promise.all(answers), [
    'too-large-for-recipient (live)',
    'accept (live)',
    'accept (live)',
  ])
})

test('SMTPUTF8 is asked for when nobody knows, and refused when it is missing', async (context) => {
  const { verify, nextHops, questions } = open(context)
  nextHops.offered = null
  await verify('x')
  assert.equal(await verify('x', { isSmtpUtf8: true }), 'accept (live)')
  nextHops.offered = noExtensions
  assert.equal(await verify('x', { isSmtpUtf8: true }), 'smtputf8-unsupported (cache)')
  nextHops.offered = { ...noExtensions, smtpUtf8: true }
  assert.equal(await verify('x', { isSmtpUtf8: true }), 'accept (cache)')
  assert.equal(questions().length, 2)
})

test('answers survive a restart', async (context) => {
  await using folder = await temporaryFolder()
  const first = open(context, { folder: folder.path })
  await first.verify('x')
  await first.recipients.close()
  const second = open(context, { folder: folder.path })
  second.nextHops.isDown = true
  assert.equal(await second.verify('x'), 'accept (cache)')
  const record = second.recipients.show({ local: 'x', domain: 'inst.example' })
  assert.deepEqual(record?.standing, { outcome: 'deliverable', sinceMs: 1000 * day })
})

test('a running relay notices what a command did, within a second', async (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] })
  await using folder = await temporaryFolder()
  const relay = open(context, { folder: folder.path })
  const command = open(context, { folder: folder.path })
  const mailbox = { local: 'x', domain: 'inst.example' }
  await relay.verify('x')
  command.recipients.pin(mailbox, command.time.ms + hour)
  context.mock.timers.tick(1000)
  assert.equal(await relay.verify('x'), 'accept (pin)')
  command.recipients.forget(mailbox)
  context.mock.timers.tick(1000)
  assert.equal(await relay.verify('x'), 'accept (live)')
  command.nextHops.answer = () => unknownUser
  await command.recipients.ask({ ...anyQuery, mailbox })
  await command.recipients.close()
  context.mock.timers.tick(1000)
  assert.equal(await relay.verify('x'), 'recipient-unknown (cache)')
})

test('a question of one process without an answer does not wipe out what another has heard', async (context) => {
  context.mock.timers.enable({ apis: ['setInterval'] })
  for (const isUnknownFirst of [true, false]) {
    await using folder = await temporaryFolder()
    const [knows, asks] = [
      open(context, { folder: folder.path }),
      open(context, { folder: folder.path }),
    ]
    assert.equal(await knows.verify('x'), 'accept (live)')
    asks.time.ms += 500
    asks.nextHops.answer = () => noAnswer('timeout', 'connect')
    assert.match(await asks.verify('x'), /^next-hop-unreachable/)
    // Both have something to write: whoever is first must not matter.
    await (isUnknownFirst ? asks : knows).recipients.close()
    await (isUnknownFirst ? knows : asks).recipients.close()
    const later = open(context, { folder: folder.path })
    later.nextHops.isDown = true
    assert.equal(await later.verify('x'), 'accept (cache)')
  }
})

test('a broken store is told and stops nothing', async (context) => {
  await using folder = await temporaryFolder()
  await writeFile(join(folder.path, storeFileName), 'no database\n'.repeat(500))
  const { verify, events } = open(context, { folder: folder.path })
  assert.equal(events[0]?.kind, 'recipient-store-failed')
  assert.equal(await verify('x'), 'accept (live)')
  assert.equal(await verify('x'), 'accept (cache)')
})

test('a bug is a 451 and an event, at once or later', async (context) => {
  const { verify, nextHops, events } = open(context)
  nextHops.answer = () => {
    throw new Error('a bug')
  }
  assert.equal(await verify('x'), 'internal-error (cache)')
  const broken: ScriptedNextHops = Object.assign(nextHops, {
    isBreakerOpen: () => {
      throw new Error('another')
    },
  })
  assert.equal(broken, nextHops)
  assert.equal(await verify('x'), 'internal-error (cache)')
  assert.deepEqual(
    events.map((event) => event.kind),
    ['internal-error', 'internal-error'],
  )
})

test('close ends the questions under way; their askers come back later', async (context) => {
  const { verify, recipients, nextHops } = open(context)
  nextHops.answer = () => new Promise(() => {})
  const asked = verify('x')
  await recipients.close()
  assert.equal(await asked, 'next-hop-unreachable (live)')
})

test('property: with an honest server no existing recipient is ever refused, whatever happens', async (context) => {
  const event = fc.oneof(
    fc.record({
      kind: fc.constant('verify' as const),
      local: fc.constantFrom('a', 'b', 'no', 'nay'),
    }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 3 * day }) }),
    fc.record({ kind: fc.constant('down' as const), isDown: fc.boolean() }),
    fc.record({
      kind: fc.constant('sick' as const),
      stage: fc.constantFrom('banner', 'ehlo', 'mail', null),
    }),
    fc.record({ kind: fc.constant('forget' as const), local: fc.constantFrom('a', 'no') }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 30 }), async (events) => {
      const { verify, nextHops, time, recipients } = open(context)
      let sick: 'banner' | 'ehlo' | 'mail' | null = null
      nextHops.answer = ({ recipient }) => {
        if (sick !== null) return noAnswer('refused', sick, unknownUser)
        return /^[ab]@/.test(recipient) ? ok : unknownUser
      }
      for (const step of events) {
        if (step.kind === 'wait') time.ms += step.ms
        else if (step.kind === 'down') nextHops.isDown = step.isDown
        else if (step.kind === 'sick') sick = step.stage
        else if (step.kind === 'forget') {
          recipients.forget({ local: step.local, domain: 'inst.example' })
        } else {
          const said = await verify(step.local)
          const exists = step.local === 'a' || step.local === 'b'
          assert.ok(
            exists ? !said.startsWith('recipient-unknown') : !said.startsWith('accept'),
            said,
          )
        }
      }
      await recipients.close()
    }),
    { numRuns: 60 },
  )
})
