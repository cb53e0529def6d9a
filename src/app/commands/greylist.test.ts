import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { runCommand } from '#app/command.ts'
import type { Attempt, Greylist, GreylistRules } from '#greylist/greylist.ts'
import { openGreylist } from '#greylist/open-greylist.ts'
import { temporaryFolder } from '../../../test/support/temporary-folder.ts'
import { greylistCommand } from './greylist.ts'

const day = 86_400_000
const rules: GreylistRules = {
  delayMs: 300_000,
  retryWindowMs: 2 * day,
  memoryMs: 36 * day,
  allowAfterCount: 5,
  maxEntryCount: 1000,
}
const attempt: Attempt = {
  clientAddress: '192.0.2.7',
  sender: 'bob@sender.example',
  recipient: 'alice@inst.example',
}
const words = '192.0.2.99 bob@sender.example alice@inst.example'

interface Site extends AsyncDisposable {
  readonly folder: string
  readonly greylist: (line: string) => Promise<{ code: number; out: string; error: string }>
  readonly json: (line: string) => Promise<unknown>
  /** The relay's own, on the same file; `laterMs`: how far its clock is ahead. */
  readonly open: (laterMs?: number) => Greylist
}

async function setUp(policy = '{ mode: defer }'): Promise<Site> {
  const folder = await temporaryFolder()
  const config = join(folder.path, 'pforte.yaml')
  const listen = '[{ address: 127.0.0.1, port: 2525 }]'
  await writeFile(
    config,
    `hostname: relay.example\nlisten: ${listen}\nstate: .\npolicy: { greylisting: ${policy} }\n`,
  )
  const greylist: Site['greylist'] = async (line) => {
    const printed = { out: '', error: '' }
    const code = await runCommand(
      'greylist',
      greylistCommand,
      [...line.split(' ').filter((word) => word !== ''), '--config', config],
      {
        stdout: (text) => void (printed.out += text),
        stderr: (text) => void (printed.error += text),
        environment: {},
        isTerminal: false,
        signal: new AbortController().signal,
      },
    )
    return { code, ...printed }
  }
  return {
    folder: folder.path,
    greylist,
    json: async (line) => JSON.parse((await greylist(`${line} --json`)).out),
    open: (laterMs = 0) =>
      openGreylist({
        folder: folder.path,
        clock: { now: () => Date.now() + laterMs, monotonicMs: () => performance.now() },
        rules: () => rules,
        emit: ({ error }) => assert.fail(error),
      }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  }
}

test('a relay that has never greylisted: it says so, and makes no file', async () => {
  await using site = await setUp()
  const { code, error } = await site.greylist('stats')
  assert.equal(code, 1)
  assert.match(error, /there is no greylist\.db in .* yet; it is made by the first mail/)
  assert.equal((await site.greylist(`allow ${words}`)).code, 1)
})

test('a triple: waits, is allowed, is forgotten; a relay beside sees each at the next mail', async () => {
  await using site = await setUp()
  const relay = site.open()
  assert.equal(relay.judge(attempt, rules).kind, 'wait')
  relay.close()
  const again = site.open()
  const shown = await site.greylist(`show ${words}`)
  assert.match(
    shown.out,
    /^192\.0\.2\.0\/24 <bob@sender\.example> <alice@inst\.example>\n {2}state {3}waits\n/,
  )
  assert.match((await site.greylist(`allow ${words}`)).out, /: need not wait until 20/)
  assert.equal(again.judge(attempt, rules).kind, 'known')
  assert.match((await site.greylist(`show ${words}`)).out, /state {3}known/)
  assert.deepEqual(await site.json(`forget ${words}`), {
    subject: '192.0.2.0/24 <bob@sender.example> <alice@inst.example>',
    wasKnown: true,
  })
  assert.equal(again.judge(attempt, rules).kind, 'wait')
  again.close()
  assert.equal((await site.greylist('forget 192.0.2.1 <> alice@inst.example')).code, 1)
  assert.equal((await site.greylist('show 198.51.100.1')).code, 1)
})

test('a network: all of it passes, until it is forgotten', async () => {
  await using site = await setUp()
  const relay = site.open()
  const other = { ...attempt, clientAddress: '2001:db8:0:1::7', sender: '' }
  assert.equal(relay.judge(other, rules).kind, 'wait')
  assert.match(
    (await site.greylist('allow 2001:db8:0:1::/64')).out,
    /^2001:db8:0:1::\/64: need not/,
  )
  const neighbour = { ...other, clientAddress: '2001:db8:0:1:ffff::1', sender: 'x@y.example' }
  assert.equal(relay.judge(neighbour, rules).kind, 'network-known')
  const [listed] = (await site.json('list')) as readonly Record<string, unknown>[]
  assert.deepEqual([listed?.['network'], listed?.['passed']], ['2001:db8:0:1::/64', 5])
  assert.match((await site.greylist('show 2001:db8:0:1::9')).out, /state {3}known\n {2}passed {2}5/)
  assert.equal((await site.greylist('forget 2001:db8:0:1::9')).code, 0)
  assert.equal(relay.judge({ ...neighbour, sender: 'z@y.example' }, rules).kind, 'wait')
  relay.close()
})

test('list and stats: what waits, what has passed, the last one first', async () => {
  await using site = await setUp()
  const early = site.open()
  early.judge(attempt, rules)
  early.judge({ ...attempt, sender: '' }, rules)
  early.close()
  const late = site.open(400_000)
  assert.equal(late.judge(attempt, rules).kind, 'passed')
  late.close()
  assert.deepEqual(await site.json('stats'), { mode: 'defer', waiting: 1, passed: 1, networks: 1 })
  assert.match((await site.greylist('stats')).out, /waiting {3}1 triples/)
  const passed = (await site.json('list passed')) as readonly Record<string, unknown>[]
  assert.match(String(passed[0]?.['key']), /^[\da-f]{32}$/)
  assert.equal(((await site.json('list waiting --limit 1')) as readonly unknown[]).length, 1)
  assert.match((await site.greylist('list')).out, /^20\S+Z {2}192\.0\.2\.0\/24 {2}1\n$/)
})

test('what is wrong is said, and nothing changes', async () => {
  await using site = await setUp('{ mode: observe, allowAfter: 0 }')
  site.open().close()
  const wrong: readonly (readonly [string, RegExp, number])[] = [
    ['show', /name the client/, 2],
    ['show host.example', /neither an address nor a network/, 2],
    ['show 192.0.2.0/25', /knows networks of \/24/, 2],
    ['show 192.0.2.1 bob@sender.example', /client alone, or client, sender and recipient/, 2],
    ['allow 192.0.2.1 bob alice@inst.example', /'bob'/, 2],
    ['list all', /networks, waiting or passed/, 2],
    ['list --limit 0', /--limit: a number from 1/, 2],
    ['allow 192.0.2.1', /allowAfter is 0/, 1],
  ]
  for (const [line, message, exitCode] of wrong) {
    const { code, error } = await site.greylist(line)
    assert.match(error, message)
    assert.equal(code, exitCode, line)
  }
  assert.deepEqual(await site.json('stats'), {
    mode: 'observe',
    waiting: 0,
    passed: 0,
    networks: 0,
  })
})

test('a file that is none: the error names it', async () => {
  await using site = await setUp()
  await rm(join(site.folder, 'greylist.db'), { force: true })
  await writeFile(
    join(site.folder, 'greylist.db'),
    'no database, but long enough to be read as one\n'.repeat(100),
  )
  const { code, error } = await site.greylist('stats')
  assert.equal(code, 1)
  assert.match(error, /the greylist cannot be used: .*look at greylist\.db in /)
})
