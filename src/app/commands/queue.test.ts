import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { runCommand, type CommandIo } from '#app/command.ts'
import { takeOwnership } from '#spool/owner.ts'
import type { Attempt, RecipientFate } from '#spool/spool.ts'
import { fillSpool, querySpool, type StoredEntry } from '../../../test/support/spool-file.ts'
import { temporaryFolder } from '../../../test/support/temporary-folder.ts'
import { queueCommand } from './queue.ts'

interface Printed {
  readonly code: number
  readonly out: string
  readonly error: string
}

/** Null: the end of the input. */
type Answer = string | null | (() => string)

interface Site extends AsyncDisposable {
  readonly folder: string
  /** The folder of the spool. */
  readonly spool: string
  /** An argument in quotes may hold spaces. `answers`: of a person at a terminal. */
  readonly queue: (line: string, answers?: readonly Answer[]) => Promise<Printed>
  readonly json: (line: string) => Promise<unknown>
}

const hour = 3_600_000
const nowMs = Date.now()
const held: RecipientFate = { kind: 'held', reason: 'refused', sinceMs: nowMs - hour }

const attempt: Attempt = {
  atMs: nowMs - 60_000,
  domain: 'inst.example',
  server: 'mail.inst.example',
  address: '192.0.2.25',
  tls: 'TLSv1.3',
  outcome: 'deferred',
  reply: '451 4.3.0 try \u001b[31magain',
  tookMs: 5.4,
}

const entries: readonly StoredEntry[] = [
  {
    id: 'aaa.1',
    receivedAtMs: nowMs - 3 * hour,
    recipients: [
      {
        address: 'alice@inst.example',
        fate: { kind: 'waiting', nextAttemptMs: nowMs + hour },
        attemptCount: 7,
      },
      { address: 'bob@inst.example', fate: held, reply: '550 5.7.1 \u009b31mno' },
    ],
    attempts: [{ ...attempt, address: null, tls: null, reply: 'connect: no' }, attempt],
    content:
      'Received: from a\r\n\tby relay.example\r\n..Odd: dot\r\nSubject: hello \u009b1m\r\n\r\n..dot\r\nbody\r\n.\r\n',
  },
  {
    id: 'bbb.1',
    reversePath: '',
    receivedAtMs: nowMs - 60_000,
    recipients: [
      {
        address: 'x@other.example',
        fate: { kind: 'waiting', nextAttemptMs: 0 },
        attemptCount: 0,
        reply: '',
      },
    ],
  },
]

async function setUp(stored: readonly StoredEntry[] | null = entries): Promise<Site> {
  const folder = await temporaryFolder()
  const spool = join(folder.path, 'spool')
  if (stored !== null) fillSpool(spool, stored)
  const config = join(folder.path, 'pforte.yaml')
  writeFileSync(
    config,
    'hostname: relay.example\nlisten: [{ address: 127.0.0.1, port: 2525 }]\nstate: .\nspool: { folder: ./spool }\n',
  )
  const queue = async (line: string, answers?: readonly Answer[]): Promise<Printed> => {
    const printed = { out: '', error: '' }
    const left = [...(answers ?? [])]
    const io: CommandIo = {
      stdout: (text) => {
        printed.out += text
      },
      stdoutBytes: (bytes) => {
        printed.out += Buffer.from(bytes).toString()
      },
      stderr: (text) => {
        printed.error += text
      },
      environment: { PFORTE_CONFIG: config, SUDO_USER: 'eve\u001b' },
      isTerminal: false,
      signal: new AbortController().signal,
      ...(answers !== undefined && {
        ask: async (question: string) => {
          printed.error += `${question}\n`
          assert.ok(left.length > 0, `an unexpected question: ${question}`)
          const answer = left.shift() ?? null
          return await Promise.resolve(typeof answer === 'function' ? answer() : answer)
        },
      }),
    }
    const args = [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '')
    const code = await runCommand('queue', queueCommand, args, io)
    assert.equal(left.length, 0, 'not all questions were asked')
    return { code, ...printed }
  }
  return {
    folder: folder.path,
    spool,
    queue,
    json: async (line) => JSON.parse((await queue(`${line} --json`)).out) as unknown,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  }
}

async function idsOf(site: Site, line: string = 'list'): Promise<readonly string[]> {
  return ((await site.json(line)) as { readonly id: string }[]).map(({ id }) => id)
}

test('an empty spool, and one that does not exist: nothing is made', async () => {
  await using site = await setUp(null)
  const { code, out } = await site.queue('')
  assert.equal(code, 0)
  assert.equal(out, `relay  not running on this spool\nspool  ${site.spool}: empty\n`)
  assert.deepEqual(await site.json('list'), [])
  assert.equal((await site.queue('list')).error, 'no such mail is in the spool\n')
  assert.equal((await site.queue('orders')).error, 'nobody has ordered anything\n')
  assert.equal((await site.queue('flush --all')).code, 1)
  assert.deepEqual(readdirSync(site.folder), ['pforte.yaml'])
})

test('the overview says what waits for whom, and why', async () => {
  await using site = await setUp()
  const { out } = await site.queue('')
  const time = String.raw`20\S+Z`
  assert.match(
    out,
    new RegExp(
      [
        '^relay  not running on this spool',
        `spool  ${RegExp.escape(site.spool)}: 2 mails, \\d+ B; 2 recipients waiting, 1 held`,
        '',
        'DOMAIN         WAITING  HELD  OLDEST +SIZE  NEXT ATTEMPT',
        'inst.example   1        1     3h.* +88 B  in .*',
        `    waits: mail.inst.example at ${time}: 451 4.3.0 try \\?\\[31magain`,
        '    held: 1 refused by its server',
        'other.example  1        0     1min.* +46 B  now',
        '    waits: not tried yet\n$',
      ].join('\n'),
    ),
  )
})

test('the overview as JSON has every key', async () => {
  await using site = await setUp()
  const { domains, ...rest } = (await site.json('')) as {
    readonly domains: readonly Readonly<Record<string, unknown>>[]
  }
  assert.deepEqual(rest, {
    folder: site.spool,
    relay: null,
    entryCount: 2,
    sizeBytes: 134,
    waitingCount: 2,
    heldCount: 1,
  })
  assert.deepEqual(domains[0], {
    domain: 'inst.example',
    waitingCount: 1,
    heldCount: 1,
    sizeBytes: 88,
    oldestWaitingAt: new Date(nowMs - 3 * hour).toISOString(),
    oldestHeldAt: new Date(nowMs - 3 * hour).toISOString(),
    nextAttemptAt: new Date(nowMs + hour).toISOString(),
    holds: [{ reason: 'refused', count: 1 }],
    lastAttempt: {
      at: new Date(attempt.atMs).toISOString(),
      domain: 'inst.example',
      server: 'mail.inst.example',
      address: '192.0.2.25',
      tls: 'TLSv1.3',
      outcome: 'deferred',
      reply: attempt.reply,
      tookMs: 5,
    },
  })
  assert.equal(domains[1]?.['lastAttempt'], null)
})

test('the relay that has the spool is named', async () => {
  await using site = await setUp()
  using _ = takeOwnership(site.spool, nowMs)
  const { out } = await site.queue('')
  assert.match(out, new RegExp(`^relay  running, process ${process.pid} on \\S+ since 20`))
  const { relay } = (await site.json('')) as { readonly relay: { readonly pid: number } }
  assert.equal(relay.pid, process.pid)
  assert.equal((await site.queue('flush --all')).error, '')
})

test('list: one line a mail, one a recipient; peers cannot drive the terminal', async () => {
  await using site = await setUp()
  const { out } = await site.queue('list')
  const [first = '', alice = '', bob = '', second = ''] = out.split('\n')
  assert.match(first, /^aaa\.1 {2}20\S+Z \(3h.*\) {2}88 B {2}from <bob@sender\.example>$/)
  assert.match(
    alice,
    /^ {4}<alice@inst\.example> {2}waiting, next attempt in \S+.*, 7 attempts: 451 /,
  )
  assert.match(
    bob,
    /^ {4}<bob@inst\.example> {2}held since 20\S+Z: refused by its server, 1 attempt: 550 5\.7\.1 \?31mno$/,
  )
  assert.match(second, /^bbb\.1 .* from <>$/)
  const json = (await site.queue('list --json')).out
  assert.ok(!json.includes('\u009b') && json.includes('\\u009b'))
})

test('list: every way to select', async () => {
  await using site = await setUp()
  assert.deepEqual(await idsOf(site), ['aaa.1', 'bbb.1'])
  assert.deepEqual(await idsOf(site, 'list bbb.1 nothing'), ['bbb.1'])
  assert.deepEqual(await idsOf(site, 'list --domain INST.example.'), ['aaa.1'])
  assert.deepEqual(await idsOf(site, 'list --recipient <x@OTHER.example>'), ['bbb.1'])
  assert.deepEqual(await idsOf(site, 'list --sender <>'), ['bbb.1'])
  assert.deepEqual(await idsOf(site, 'list --sender bob@sender.example'), ['aaa.1'])
  assert.deepEqual(await idsOf(site, 'list --older-than 2h'), ['aaa.1'])
  assert.deepEqual(await idsOf(site, 'list --newer-than 2h'), ['bbb.1'])
  assert.deepEqual(await idsOf(site, 'list --held'), ['aaa.1'])
  assert.deepEqual(await idsOf(site, 'list --waiting --sender <>'), ['bbb.1'])
  assert.deepEqual(await idsOf(site, 'list --held --domain other.example'), [])
})

test('what is wrong with a selection is said', async () => {
  await using site = await setUp()
  const wrong: readonly (readonly [line: string, error: RegExp])[] = [
    ['list ../../etc', /is not the id of a mail/],
    ['list --domain a..b', /--domain 'a\.\.b': /],
    ['list --recipient nobody', /--recipient 'nobody': /],
    ['list --sender nobody', /--sender 'nobody': /],
    ['list --older-than 2', /--older-than '2': expected a duration/],
    ['list --held --waiting', /no recipient is both/],
    ['flush', /--all means everything/],
    ['flush --all --held', /--all means everything: it does not go with/],
    ['hold --all', /--reason is missing/],
    ["hold --all --reason ' '", /say why/],
    [`hold --all --reason ${'x'.repeat(501)}`, /at most 500/],
    ['delete --all --reason x', /--yes is missing/],
    ['move --all --reason x --yes', /name the server with --to/],
    ['move --to a..b --all --reason x --yes', /--to: /],
    ['show', /name the id of one mail/],
    ['show aaa.1 bbb.1', /name the id of one mail/],
    ['orders --limit 0', /--limit: a number/],
    ['export --all', /name the folder/],
    ['export --to out', /or --all for everything/],
  ]
  for (const [line, error] of wrong) {
    const printed = await site.queue(line)
    assert.equal(printed.code, 2, line)
    assert.match(printed.error, error)
  }
  assert.deepEqual(await idsOf(site), ['aaa.1', 'bbb.1'])
  assert.deepEqual(await site.json('orders'), [])
})

test('show: envelope, recipients, attempts with the words, orders, header; cleaned', async () => {
  await using site = await setUp()
  await site.queue("hold aaa.1 --reason 'they are moving'")
  const { out, code } = await site.queue('show aaa.1')
  assert.equal(code, 0)
  const time = String.raw`20\S+Z`
  assert.match(
    out,
    new RegExp(
      [
        '^aaa\\.1',
        '  sender    <bob@sender\\.example>',
        `  received  ${time} \\(3h.* ago\\)`,
        '  client    client\\.example \\[192\\.0\\.2\\.7\\]',
        '  size      88 B',
        'recipients',
        `  <alice@inst\\.example>  held since ${time}: by order, 7 attempts: .*`,
        `  <bob@inst\\.example>  held since ${time}: refused by its server, .*`,
        'attempts',
        `  ${time}  deferred  for inst\\.example  mail\\.inst\\.example not reached  no TLS  5 ms`,
        '      connect: no',
        `  ${time}  deferred  for inst\\.example  mail\\.inst\\.example \\[192.0.2.25\\]  TLSv1\\.3  5 ms`,
        '      451 4\\.3\\.0 try \\?\\[31magain',
        'orders',
        `  ${time}  hold by \\S+ \\(\\d+\\), sudo by eve\\?: they are moving`,
        'header',
        '  Received: from a',
        '   by relay\\.example',
        '  \\.Odd: dot',
        '  Subject: hello \\?1m\n$',
      ].join('\n'),
    ),
  )
  const { header, orders } = (await site.json('show aaa.1')) as Record<string, unknown>
  assert.match(String(header), /\r\n\.Odd: dot\r\nSubject: hello \u009b1m\r\n$/)
  assert.equal((orders as readonly unknown[]).length, 1)
})

test('show of a mail that is gone tells what was ordered', async () => {
  await using site = await setUp()
  assert.match((await site.queue('show ccc.1')).error, /ccc\.1 is not in the spool/)
  await site.queue("delete bbb.1 --yes --reason 'spam run'")
  const { code, error } = await site.queue('show bbb.1')
  assert.equal(code, 1)
  assert.match(error, /delete by .*: spam run/)
})

test('flush, hold and release, with a record of each', async () => {
  await using site = await setUp()
  const flushed = await site.queue('flush --domain inst.example')
  assert.equal(flushed.out, '1 recipient of 1 mail made due now\n')
  assert.match(flushed.error, /no relay runs on this spool/)
  const atOnce = await site.queue('hold --waiting', ['  asked for  '])
  assert.equal(atOnce.out, '2 recipients of 2 mails held\n')
  const released = await site.json('release --domain other.example --reason mended')
  assert.deepEqual(released, {
    order: 'release',
    dryRun: false,
    entryCount: 1,
    recipientCount: 1,
    relay: null,
  })
  const records = (await site.json('orders')) as readonly Record<string, unknown>[]
  assert.deepEqual(
    records.map(({ order, id, reason }) => [order, id, reason]),
    [
      ['release', 'bbb.1', 'mended'],
      ['hold', 'bbb.1', 'asked for'],
      ['hold', 'aaa.1', 'asked for'],
      ['flush', 'aaa.1', 'none given'],
    ],
  )
  assert.equal(((await site.json('orders --limit 1 aaa.1')) as readonly unknown[]).length, 1)
  assert.match(
    (await site.queue('orders aaa.1')).out,
    /hold by .*: asked for\n {4}aaa\.1 {2}<alice@/,
  )
})

test('an order that fits nobody has exit code 1', async () => {
  await using site = await setUp()
  const { code, out } = await site.queue('release --domain other.example --reason x')
  assert.deepEqual(
    { code, out },
    { code: 1, out: 'nothing in the spool fits: nothing was released\n' },
  )
  const asked = await site.queue('delete --domain nowhere.example', [])
  assert.equal(asked.code, 1)
})

test('delete shows what it will do, and does it only after yes', async () => {
  await using site = await setUp()
  const refused = await site.queue('delete --domain inst.example --held', ['spam', 'y'])
  assert.equal(refused.code, 1)
  assert.match(
    refused.error,
    /^aaa\.1 .*\n {4}<bob@inst\.example> .*\n1 recipient of 1 mail will be deleted\. This cannot/,
  )
  assert.match(refused.error, /nothing was changed/)
  assert.equal((await site.queue('delete --all --reason x', [null])).code, 1)
  assert.equal((await site.queue('delete --all', [null])).code, 1)
  assert.equal(((await site.json('')) as { heldCount: number }).heldCount, 1)
  const done = await site.queue('delete --domain inst.example --held', ['spam', 'yes'])
  assert.equal(done.out, '1 recipient of 1 mail deleted\n')
  assert.deepEqual(await idsOf(site), ['aaa.1', 'bbb.1'])
  assert.equal(
    (await site.queue('delete --all --reason x --yes')).out,
    '2 recipients of 2 mails deleted\n',
  )
  assert.deepEqual(await idsOf(site), [])
})

test('mail that comes in while a person reads the question is not deleted', async () => {
  await using site = await setUp()
  const late: StoredEntry = { id: 'late.1', recipients: [{ address: 'x@inst.example' }] }
  // The reason is asked for behind the preview: so this is the moment in between.
  const answer = (): string => {
    fillSpool(site.spool, [late])
    return 'x'
  }
  await site.queue('delete --all', [answer, 'yes'])
  assert.deepEqual(await idsOf(site), ['late.1'])
})

test('a dry run needs neither reason nor confirmation, and changes nothing', async () => {
  await using site = await setUp()
  const before = await site.json('list')
  for (const line of ['flush', 'hold', 'release', 'delete', 'move --to 192.0.2.9']) {
    const { code, out } = await site.queue(`${line} --all --dry-run`)
    assert.equal(code, 0, line)
    assert.match(out, /^\d recipients? of \d mails? would be /)
  }
  assert.deepEqual(await site.json('list'), before)
  assert.deepEqual(await site.json('orders'), [])
})

test('move to another server and back; never to the relay itself', async () => {
  await using site = await setUp()
  const loop = await site.queue('move --to 127.0.0.1:2525 --all --reason x --yes')
  assert.match(loop.error, /leads back to this relay/)
  const line = 'move --domain other.example --reason x --yes --to'
  assert.equal(
    (await site.queue(`${line} 192.0.2.9`)).out,
    '1 recipient of 1 mail moved to 192.0.2.9:25\n',
  )
  assert.match((await site.queue('list bbb.1')).out, /moved to 192\.0\.2\.9:25/)
  assert.equal((await site.queue(`${line} 192.0.2.9:25`)).code, 1)
  const back = await site.queue('move --all --to route', ['it is back', 'yes'])
  assert.equal(back.out, '1 recipient of 1 mail moved back to the route of their domain\n')
  assert.deepEqual(querySpool(site.spool, 'SELECT DISTINCT moved_to FROM recipient'), [
    { moved_to: null },
  ])
})

test('export writes the message as it would arrive, private, and never over a file', async () => {
  await using site = await setUp()
  const target = join(site.folder, 'out')
  const { code, out } = await site.queue(`export --all --to ${target}`)
  assert.deepEqual({ code, out }, { code: 0, out: `2 mails written to ${target}\n` })
  const file = join(target, 'aaa.1.eml')
  assert.equal(
    readFileSync(file, 'utf8'),
    'Received: from a\r\n\tby relay.example\r\n.Odd: dot\r\nSubject: hello \u009b1m\r\n\r\n.dot\r\nbody\r\n',
  )
  assert.equal(statSync(file).mode & 0o777, 0o600)
  writeFileSync(file, 'mine')
  const again = await site.queue(`export aaa.1 --to ${target}`)
  assert.equal(again.code, 1)
  assert.match(again.error, /exists; --force replaces it/)
  assert.equal(readFileSync(file, 'utf8'), 'mine')
  assert.equal((await site.queue(`export aaa.1 --to ${target} --force`)).code, 0)
  assert.notEqual(readFileSync(file, 'utf8'), 'mine')
})

test('export of one mail to standard output, of none, and of too many', async () => {
  await using site = await setUp()
  assert.match((await site.queue('export bbb.1 --to -')).out, /\r\n\r\nbody\r\n$/)
  assert.equal((await site.queue('export --all --to -')).code, 1)
  assert.match((await site.queue('export ccc.1 --to -')).error, /ccc\.1 is not in the spool/)
  const { problems } = (await site.json(`export ccc.1 bbb.1 --to ${site.folder}`)) as {
    readonly problems: readonly { readonly id: string }[]
  }
  assert.deepEqual(
    problems.map(({ id }) => id),
    ['ccc.1'],
  )
})

test('export of a large mail and of a damaged one: the damaged one leaves no file', async () => {
  const body = `${'line\r\n..dot\r\n'.repeat(50_000)}`
  const content = `A: b\r\n\r\n${body}.\r\n`
  const recipients = [{ address: 'alice@inst.example' }]
  await using site = await setUp([
    { id: 'large', recipients, content, prefixBytes: 1000 },
    { id: 'damaged', recipients, content, prefixBytes: 1000 },
  ])
  const stored = join(site.spool, 'content', 'damaged')
  const bytes = readFileSync(stored)
  bytes[bytes.length - 10] = 0x78
  writeFileSync(stored, bytes)
  const target = join(site.folder, 'out')
  const { code, error } = await site.queue(`export --all --to ${target}`)
  assert.equal(code, 1)
  assert.match(error, /^damaged: the checksum of the content is wrong\n$/)
  assert.equal(
    readFileSync(join(target, 'large.eml'), 'latin1'),
    `A: b\r\n\r\n${body}`.replaceAll('\r\n..', '\r\n.'),
  )
  assert.ok(!existsSync(join(target, 'damaged.eml')))
})

test('a spool that cannot be opened is told with what to do', async () => {
  await using site = await setUp()
  querySpool(site.spool, 'PRAGMA user_version = 99')
  const { code, error } = await site.queue('')
  assert.equal(code, 1)
  assert.match(error, /^pforte queue: .*written by a newer Pforte: run that one/)
})
