// What becomes of a lease, for everything a next hop can say or fail to say. With a real server and spool.

import assert from 'node:assert/strict'
import { mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { incomingFolder } from '#spool/open-spool.ts'
import type { Lease, Settlement } from '#spool/spool.ts'
import {
  openDeliverySite,
  type DeliverySite,
  type DeliverySiteOptions,
} from '../../test/support/delivery-site.ts'
import { newFiledContent, newRecipient } from '../../test/support/new-entry.ts'
import { attempt } from './attempt.ts'

const dayMs = 24 * 3_600_000

async function tryOnce(
  site: DeliverySite,
  lease: Lease,
  signal: AbortSignal = new AbortController().signal,
): Promise<Settlement> {
  const domain = site.domains.get('inst.example')
  assert.ok(domain !== undefined)
  return await attempt(site.options, lease, domain, signal)
}

/** `local → fate (words)`, in the order of the settlement; the pause of those that wait in seconds. */
function told({ recipients }: Settlement, nowMs: number): readonly string[] {
  return recipients.map(({ address, fate, reply }) => {
    const [local] = address.split('@')
    switch (fate.kind) {
      case 'relayed':
        return `${local} → relayed (${reply})`
      case 'held':
        return `${local} → ${fate.reason} (${reply})`
      case 'waiting':
        return `${local} → in ${(fate.nextAttemptMs - nowMs) / 1000} s (${reply})`
    }
  })
}

interface Case {
  readonly name: string
  readonly site?: DeliverySiteOptions
  readonly to?: readonly string[]
  readonly isSmtpUtf8?: boolean
  readonly ageMs?: number
  readonly expected: readonly string[]
  readonly outcomes: readonly Settlement['attempts'][number]['outcome'][]
  /** Recipients of the mails that arrived. */
  /** What was refused after a yes; default: nothing. */
  readonly late?: readonly string[]
  readonly arrived?: readonly (readonly string[])[]
}

const cases: readonly Case[] = [
  {
    name: '250 to the content',
    site: { institute: { stageReplies: { final: '250 2.0.0 queued as 7' } } },
    to: ['a@inst.example', 'b@inst.example'],
    expected: ['a → relayed (250 2.0.0 queued as 7)', 'b → relayed (250 2.0.0 queued as 7)'],
    outcomes: ['relayed'],
    arrived: [['a@inst.example', 'b@inst.example']],
  },
  {
    name: '4yz to the content',
    site: { institute: { filter: () => '451 4.3.0 busy scanning' } },
    expected: ['a → in 60 s (451 4.3.0 busy scanning)'],
    outcomes: ['deferred'],
    late: ['content: a@inst.example'],
  },
  {
    name: '5yz to the content goes to the hold, for all',
    site: { institute: { filter: () => '554 5.7.1 spam' } },
    to: ['a@inst.example', 'b@inst.example'],
    expected: ['a → refused (554 5.7.1 spam)', 'b → refused (554 5.7.1 spam)'],
    outcomes: ['refused'],
    late: ['content: a@inst.example,b@inst.example'],
  },
  {
    name: '5yz to the only RCPT',
    site: { institute: { mailboxes: [] } },
    expected: ['a → refused (550 5.1.1 <a@inst.example>: User unknown)'],
    outcomes: ['refused'],
    late: ['recipient: a@inst.example'],
  },
  {
    name: '4yz to the only RCPT',
    site: { institute: { replies: { 'a@inst.example': '450 4.2.0 later' } } },
    expected: ['a → in 60 s (450 4.2.0 later)'],
    outcomes: ['deferred'],
  },
  {
    name: 'one is refused, one later, two taken: those two get the mail, in a second transaction',
    site: {
      institute: {
        mailboxes: ['a@inst.example', 'd@inst.example'],
        replies: { 'c@inst.example': '450 4.2.2 full' },
      },
    },
    to: ['a@inst.example', 'b@inst.example', 'c@inst.example', 'd@inst.example'],
    expected: [
      'b → refused (550 5.1.1 <b@inst.example>: User unknown)',
      'c → in 60 s (450 4.2.2 full)',
      'a → relayed (*)',
      'd → relayed (*)',
    ],
    outcomes: ['refused', 'relayed'],
    late: ['recipient: b@inst.example'],
    arrived: [['a@inst.example', 'd@inst.example']],
  },
  {
    name: 'one that was taken is refused in the second transaction: it waits, the other too',
    site: {
      institute: {
        mailboxes: ['a@inst.example'],
        replies: { 'a@inst.example': ['250 2.1.5 ok', '451 4.3.0 changed my mind'] },
      },
    },
    to: ['a@inst.example', 'b@inst.example'],
    expected: [
      'b → refused (550 5.1.1 <b@inst.example>: User unknown)',
      'a → in 60 s (451 4.3.0 changed my mind)',
    ],
    outcomes: ['refused', 'deferred'],
    late: ['recipient: b@inst.example'],
  },
  {
    name: '5yz to MAIL is about us, not about the mail',
    site: { institute: { stageReplies: { mail: '550 5.7.1 you are on a list' } } },
    expected: ['a → in 60 s (refused (mail): 550 5.7.1 you are on a list)'],
    outcomes: ['deferred'],
  },
  {
    name: '552 to MAIL is about the mail',
    site: { institute: { stageReplies: { mail: '552 5.3.4 too big' } } },
    expected: ['a → refused (552 5.3.4 too big)'],
    outcomes: ['refused'],
  },
  {
    name: 'a banner of 554',
    site: { institute: { stageReplies: { banner: '554 no service' } } },
    expected: ['a → in 60 s (refused (banner): 554 no service)'],
    outcomes: ['deferred'],
  },
  {
    name: 'SMTPUTF8 is not offered: waiting does not help',
    site: { institute: { extensions: { smtpUtf8: false } } },
    to: ['ä@inst.example'],
    isSmtpUtf8: true,
    expected: ['ä → refused (*)'],
    outcomes: ['deferred'],
  },
  {
    name: 'deferred and too old',
    site: { institute: { filter: () => '451 4.3.0 busy scanning' } },
    ageMs: 5 * dayMs,
    expected: ['a → expired (451 4.3.0 busy scanning)'],
    outcomes: ['deferred'],
    late: ['content: a@inst.example'],
  },
  {
    name: 'relayed, however old',
    ageMs: 50 * dayMs,
    expected: ['a → relayed (*)'],
    outcomes: ['relayed'],
    arrived: [['a@inst.example']],
  },
]

for (const each of cases) {
  test(each.name, async () => {
    await using site = await openDeliverySite(each.site)
    const receivedAtMs = site.options.clock.now() - (each.ageMs ?? 0)
    const { to = ['a@inst.example'], isSmtpUtf8 = false } = each
    await site.commit('one', to, { isSmtpUtf8, receivedAtMs })
    const settlement = await tryOnce(site, await site.lease())
    const lines = told(settlement, site.options.clock.now())
    assert.equal(lines.length, each.expected.length)
    for (const [index, expected] of each.expected.entries()) {
      const line = lines[index] ?? ''
      if (expected.endsWith('(*)')) assert.ok(line.startsWith(expected.slice(0, -2)), line)
      else assert.equal(line, expected)
    }
    assert.deepEqual(
      settlement.attempts.map(({ outcome }) => outcome),
      each.outcomes,
    )
    assert.deepEqual(
      site.institute.mails.map(({ recipients }) => recipients),
      each.arrived ?? [],
    )
    assert.deepEqual(
      site.lateRefusals.map(({ at, recipients }) => `${at}: ${recipients.join()}`),
      each.late ?? [],
    )
  })
}

test('an attempt tells which server it was, and the answers to RCPT go on', async () => {
  await using site = await openDeliverySite({ institute: { mailboxes: ['a@inst.example'] } })
  await site.commit('one', ['a@inst.example', 'b@inst.example'])
  const { attempts } = await tryOnce(site, await site.lease())
  const [first] = attempts
  assert.ok(first !== undefined)
  const { atMs, tookMs, reply, ...rest } = first
  assert.deepEqual(rest, {
    domain: 'inst.example',
    server: '127.0.0.1',
    address: '127.0.0.1',
    tls: null,
    outcome: 'refused',
  })
  assert.equal(atMs, site.options.clock.now())
  assert.ok(tookMs > 0)
  assert.match(reply, /^250 .*; 550 5\.1\.1/)
  assert.deepEqual(
    site.heard.map((line) => line.slice(0, 'x@inst.example: 250'.length)),
    ['a@inst.example: 250', 'b@inst.example: 550', 'a@inst.example: 250'],
  )
})

test('recipients of one mail stay together: one draw for all of them', async () => {
  let draws = 0
  const random = (): number => (draws += 0.1)
  await using site = await openDeliverySite({
    institute: { filter: () => '451 4.3.0 later' },
    delivery: { random },
  })
  await site.commit('one', ['a@inst.example', 'b@inst.example', 'c@inst.example'])
  const { recipients } = await tryOnce(site, await site.lease())
  const times = recipients.map(({ fate }) => fate.kind === 'waiting' && fate.nextAttemptMs)
  assert.equal(times.length, 3)
  assert.ok(Math.max(...times.map(Number)) - Math.min(...times.map(Number)) < 1000)
})

test('the pauses grow with the attempts', async () => {
  await using site = await openDeliverySite({ institute: { filter: () => '451 4.3.0 later' } })
  await site.commit('one')
  const pauses: string[] = []
  for (let round = 0; round < 4; round += 1) {
    const lease = await site.lease()
    const settlement = await tryOnce(site, lease)
    pauses.push(...told(settlement, site.options.clock.now()))
    await site.spool.settle(lease, settlement)
    site.advance(1_900_000)
  }
  const words = '(451 4.3.0 later)'
  assert.deepEqual(
    pauses,
    ['60', '120', '1800', '1800'].map((seconds) => `a → in ${seconds} s ${words}`),
  )
})

test('nobody listens: deferred with the reason; when that is known, not even an attempt', async () => {
  await using site = await openDeliverySite()
  await site.institute.pause()
  for (let round = 0; round < 3; round += 1) {
    await site.commit(`mail-${round}`)
    const settlement = await tryOnce(site, await site.lease())
    assert.match(
      told(settlement, site.options.clock.now())[0] ?? '',
      /^a → in 60 s \(io \(connect\)/,
    )
    assert.equal(settlement.attempts.length, 1)
  }
  await site.commit('one-more')
  const settlement = await tryOnce(site, await site.lease())
  assert.deepEqual(told(settlement, site.options.clock.now()), ['a → in 1 s (null)'])
  assert.deepEqual(settlement.attempts, [])
})

test('no connection is free in time: no attempt, tried again soon', async () => {
  await using site = await openDeliverySite({
    poolCount: 1,
    institute: { delayMs: { final: 800 } },
    delivery: { attemptBudgetMs: 300 },
  })
  await site.commit('slow')
  await site.commit('waits')
  const [slow, waits] = [await site.lease(), await site.lease()]
  const patient = { ...site, options: { ...site.options, attemptBudgetMs: 5000 } }
  const [first, second] = await Promise.all([tryOnce(patient, slow), tryOnce(site, waits)])
  assert.equal(first.recipients[0]?.fate.kind, 'relayed')
  assert.deepEqual(told(second, site.options.clock.now()), ['a → in 1 s (null)'])
  assert.deepEqual(second.attempts, [])
})

test('the relay stops before it was the turn of the mail: no attempt', async () => {
  await using site = await openDeliverySite()
  await site.commit('one')
  const settlement = await tryOnce(site, await site.lease(), AbortSignal.abort())
  assert.deepEqual(told(settlement, site.options.clock.now()), ['a → in 1 s (null)'])
  assert.deepEqual(settlement.attempts, [])
  assert.equal(site.institute.mails.length, 0)
})

test('content in the database that is not what was stored goes to the hold, not to the institute', async () => {
  await using site = await openDeliverySite()
  await site.commit('one')
  using database = new DatabaseSync(path.join(site.folder, 'spool', 'spool.db'))
  database.exec(`UPDATE entry SET prefix = CAST(replace(prefix, 'body', 'BODY') AS BLOB)`)
  const settlement = await tryOnce(site, await site.lease())
  const [line] = told(settlement, site.options.clock.now())
  assert.equal(line, 'a → damaged (the checksum of the content is wrong)')
  assert.equal(site.institute.mails.length, 0)
})

test('a content file that is gone goes to the hold', async () => {
  await using site = await openDeliverySite()
  await site.commit('large', undefined, { content: largeContent(site) })
  rmSync(path.join(site.folder, 'spool', 'content', 'large'))
  const settlement = await tryOnce(site, await site.lease())
  assert.match(told(settlement, 0)[0] ?? '', /^a → damaged \(its content file is missing/)
  assert.deepEqual(settlement.attempts, [])
})

test('a content file that cannot be read at the moment is not damaged', async () => {
  await using site = await openDeliverySite()
  await site.commit('large', undefined, { content: largeContent(site) })
  const lease = await site.lease()
  // What can be opened but not read: EISDIR, as EMFILE and EIO would do.
  const file = path.join(site.folder, 'spool', 'content', 'large')
  rmSync(file)
  mkdirSync(file)
  const settlement = await tryOnce(site, lease)
  assert.match(
    told(settlement, site.options.clock.now())[0] ?? '',
    /^a → in 60 s \(local \(content\)/,
  )
  assert.equal(site.institute.mails.length, 0)
})

test('an address that is not one goes to the hold', async () => {
  await using site = await openDeliverySite()
  await site.commit('one')
  using database = new DatabaseSync(path.join(site.folder, 'spool', 'spool.db'))
  database.exec(`UPDATE recipient SET address = 'a b>@inst.example'`)
  const settlement = await tryOnce(site, await site.lease())
  assert.deepEqual(
    settlement.recipients.map(({ address, fate }) => [
      address,
      fate.kind === 'held' && fate.reason,
    ]),
    [['a b>@inst.example', 'damaged']],
  )
})

test('an address is settled as it was leased, however it was written', async () => {
  await using site = await openDeliverySite()
  const written = '"a"@INST.example'
  const recipients = [newRecipient(written, { domain: 'inst.example' })]
  await site.commit('one', [], { recipients })
  const lease = await site.lease()
  const settlement = await tryOnce(site, lease)
  assert.deepEqual(
    settlement.recipients.map(({ address }) => address),
    [written],
  )
  await site.spool.settle(lease, settlement)
  assert.equal((await site.spool.stats()).entryCount, 0)
})

function largeContent(site: DeliverySite): ReturnType<typeof newFiledContent> {
  const body = Buffer.from(`${'line\r\n'.repeat(100_000)}.\r\n`)
  return newFiledContent(incomingFolder(path.join(site.folder, 'spool')), 'x', body)
}
