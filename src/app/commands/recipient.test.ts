import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { runCommand } from '#app/command.ts'
import { systemClock } from '#base/clock.ts'
import { openRecipients } from '#recipients/open-recipients.ts'
import { openRegistry } from '#registry/open-registry.ts'
import {
  noAnswer,
  peerReply,
  scriptedNextHops,
  servedDomain,
  type ScriptedNextHops,
} from '../../../test/support/scripted-next-hops.ts'
import { temporaryFolder } from '../../../test/support/temporary-folder.ts'
import { createRecipientCommand } from './recipient.ts'
import { parseList } from './recipient/import-list.ts'

interface Printed {
  readonly code: number
  readonly out: string
  readonly error: string
}

interface Site extends AsyncDisposable {
  readonly recipient: (line: string) => Promise<Printed>
  readonly json: (line: string) => Promise<unknown>
  readonly nextHops: ScriptedNextHops
  /** Writes a file into the folder of the test and returns its path. */
  readonly file: (text: string) => Promise<string>
}

async function setUp(): Promise<Site> {
  const folder = await temporaryFolder()
  const config = join(folder.path, 'pforte.yaml')
  const listen = '[{ address: 127.0.0.1, port: 2525 }]'
  await writeFile(config, `hostname: relay.example\nlisten: ${listen}\nstate: ./state\n`)
  const nextHops = scriptedNextHops()
  const command = createRecipientCommand(async ({ state, verification }, emit) => {
    const registry = openRegistry({ folder: state, clock: systemClock, emit: () => {} })
    registry.put(servedDomain('inst.example', { subaddressSeparator: '+' }))
    const recipients = openRecipients({
      ...verification,
      nextHops,
      folder: state,
      clock: systemClock,
      random: Math.random,
      emit,
    })
    return {
      registry,
      recipients,
      [Symbol.asyncDispose]: async () => {
        await recipients.close()
        registry.close()
      },
    }
  })
  const recipient = async (line: string): Promise<Printed> => {
    const printed = { out: '', error: '' }
    const args = [...line.split(' '), ...(line.startsWith('classes') ? [] : ['--config', config])]
    const code = await runCommand('recipient', command, args, {
      stdout: (text) => {
        printed.out += text
      },
      stderr: (text) => {
        printed.error += text
      },
      environment: {},
      isTerminal: false,
      signal: new AbortController().signal,
    })
    return { code, ...printed }
  }
  return {
    recipient,
    json: async (line) => JSON.parse((await recipient(`${line} --json`)).out) as unknown,
    nextHops,
    file: async (text) => {
      const path = join(folder.path, 'list.txt')
      await writeFile(path, text)
      return path
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  }
}

test('verify asks and prints who said what; show remembers it; forget forgets it', async () => {
  await using site = await setUp()
  site.nextHops.answer = () => peerReply('550 5.1.1 User unknown')
  const verified = await site.recipient('verify <x+tag@Inst.Example>')
  assert.equal(verified.code, 1)
  assert.match(
    verified.out,
    new RegExp(
      [
        '^x@inst\\.example',
        '  outcome    undeliverable',
        '  by         a question to its server',
        '  server     mail\\.inst\\.example \\[192\\.0\\.2\\.25\\]:25',
        '  tls        none',
        '  stage      rcpt',
        '  reply      550 5\\.1\\.1 User unknown',
        '  asked      20\\S+Z, took \\d+ ms',
        '  client     reject: recipient-unknown\n$',
      ].join('\n'),
    ),
  )
  const shown = await site.recipient('show x@inst.example')
  assert.equal(shown.code, 0)
  assert.match(shown.out, /reply {6}550 5\.1\.1 User unknown\n/)
  assert.equal((await site.recipient('forget x@inst.example')).out, 'x@inst.example: forgotten\n')
  const gone = await site.recipient('show x@inst.example')
  assert.deepEqual(gone, {
    code: 1,
    out: 'Nothing is known of x@inst.example; pforte recipient verify asks its server.\n',
    error: '',
  })
  assert.equal((await site.recipient('forget x@inst.example')).code, 1)
  assert.equal(await site.json('show x@inst.example'), null)
})

test('verify tells at which stage and why there is no answer, and cleans what a server says', async () => {
  await using site = await setUp()
  const lines = ['go \u001b[31maway', 'you']
  site.nextHops.answer = () => noAnswer('refused', 'ehlo', { code: 554, status: null, lines })
  const { out, code } = await site.recipient('verify x@inst.example')
  assert.equal(code, 1)
  assert.match(out, / {2}outcome {4}unknown\n/)
  assert.match(out, / {2}stage {6}ehlo\n/)
  assert.match(out, /\n {4}554-go \?\[31maway\n {4}554 you\n/)
  assert.match(out, / {2}client {5}defer: next-hop-unreachable\n/)
  assert.ok(!out.includes('\u001b'))
})

test('--json has every key', async () => {
  await using site = await setUp()
  const verified = (await site.json('verify x@inst.example')) as Record<string, unknown>
  const { checkedAt, tookMs, standing, ...rest } = verified
  assert.ok(typeof checkedAt === 'string' && typeof tookMs === 'number' && standing !== null)
  assert.deepEqual(rest, {
    address: 'x@inst.example',
    outcome: 'deliverable',
    source: 'probe',
    reply: '250 2.1.5 Ok',
    stage: 'rcpt',
    server: { name: 'mail.inst.example', address: '192.0.2.25', port: 25, tls: null },
    validUntil: null,
    cause: null,
    replyLines: ['250 2.1.5 Ok'],
    verdict: 'accept',
    reason: null,
  })
})

test('pin accepts for a while; the configuration says how long by default', async () => {
  await using site = await setUp()
  const before = Date.now()
  const { pinnedUntil } = (await site.json('pin x@inst.example')) as Record<string, string>
  const pinnedMs = Date.parse(pinnedUntil ?? '') - before
  assert.ok(pinnedMs > 23.9 * 3_600_000 && pinnedMs < 24.1 * 3_600_000)
  const shown = await site.recipient('show x@inst.example')
  assert.match(shown.out, /by {9}a pin until 20/)
  assert.equal((await site.recipient('pin x@inst.example --for 2h')).code, 0)
  for (const wrong of ['2', '0s', '400d', 'soon']) {
    const refused = await site.recipient(`pin x@inst.example --for ${wrong}`)
    assert.equal(refused.code, 2, wrong)
    assert.match(refused.error, /--for: /)
  }
})

test('import replaces the list, all or nothing', async () => {
  await using site = await setUp()
  const list = await site.file(
    '# staff\r\na@inst.example\r\n\r\nB@INST.example\na+x@inst.example\n',
  )
  const imported = await site.recipient(`import inst.example ${list}`)
  assert.equal(imported.out, 'inst.example: 2 recipients on the list\n')
  assert.match((await site.recipient('show B@inst.example')).out, /by {9}the recipient list of 20/)
  await site.file('c@inst.example\nnobody\nd@other.example\n')
  const wrong = await site.recipient(`import inst.example ${list}`)
  assert.equal(wrong.code, 1)
  assert.match(wrong.error, /list\.txt:2: 'nobody'.*\n.*list\.txt:3: 'd@other\.example' is not at/)
  assert.equal((await site.recipient('show c@inst.example')).code, 1)
  await site.file('\n')
  assert.match((await site.recipient(`import inst.example ${list}`)).error, /--allow-empty/)
  await site.recipient(`import inst.example ${list} --allow-empty`)
  assert.equal((await site.recipient('show a@inst.example')).code, 1)
})

test('classes prints the page of the manual, and the rows as JSON', async () => {
  await using site = await setUp()
  assert.match((await site.recipient('classes')).out, /^# What the answer to RCPT means\n/)
  assert.ok(Array.isArray(await site.json('classes')))
})

test('wrong calls say what is wrong', async () => {
  await using site = await setUp()
  const cases: readonly (readonly [line: string, code: number, error: RegExp])[] = [
    ['show', 2, /name the address/],
    ['show x', 2, /'x': /],
    ['show a@inst.example b@inst.example', 2, /one address at a time/],
    ['verify x@inst.exampel', 1, /is not served; did you mean inst\.example\?/],
    ['import inst.example', 2, /name the domain and one file/],
    ['import inst.example /nowhere/at/all', 1, /cannot be read/],
    ['shwo x@inst.example', 2, /did you mean show\?/],
  ]
  for (const [line, code, error] of cases) {
    const printed = await site.recipient(line)
    assert.equal(printed.code, code, line)
    assert.match(printed.error, error)
  }
})

test('a store that cannot be written fails the order and says where to look', async () => {
  await using site = await setUp()
  await site.recipient('show x@inst.example')
  const { DatabaseSync } = await import('node:sqlite')
  const path = join((await site.file('')).replace(/list\.txt$/, 'state'), 'recipients.db')
  const vandal = new DatabaseSync(path)
  vandal.exec('DROP TABLE pins')
  vandal.close()
  const { code, error } = await site.recipient('pin x@inst.example')
  assert.equal(code, 1)
  assert.match(error, /recipient store cannot be used.*recipients\.db in /)
})

test('a list names at most the lines that are wrong', () => {
  const list = parseList('\ufeffa@inst.example\n  b@inst.example  \n', 'inst.example')
  assert.ok(list.ok && list.value.length === 2)
  const wrong = parseList('a@inst.example\nx\n', 'inst.example')
  assert.ok(!wrong.ok && wrong.problem.length === 1 && wrong.problem[0]?.startsWith('2: ') === true)
})
