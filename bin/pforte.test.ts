// The program as a shell starts it.

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, test } from 'node:test'

const folder = mkdtempSync(join(tmpdir(), 'pforte-bin-'))
after(() => rmSync(folder, { recursive: true }))
const launcher = join(import.meta.dirname, 'pforte')
const program = join(import.meta.dirname, 'pforte.ts')

interface Run {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function run(command: string, args: readonly string[], path = process.env['PATH'] ?? ''): Run {
  const environment = { ...process.env, PATH: path, PFORTE_CONFIG: join(folder, 'none.yaml') }
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    env: environment,
    timeout: 60_000,
  })
  return { code: status, stdout, stderr }
}

/** A copy of the launcher in a package of its own, with this `node` beside it. */
function packageWith(name: string, node: string | null): string {
  const root = join(folder, name)
  mkdirSync(join(root, 'bin'), { recursive: true })
  mkdirSync(join(root, 'node_modules/.bin'), { recursive: true })
  symlinkSync(process.execPath, join(root, 'real-node'))
  writeFileSync(join(root, 'bin/pforte.ts'), 'console.log(process.argv.slice(2).join("|"))\n')
  spawnSync('cp', [launcher, join(root, 'bin/pforte')])
  if (node !== null) fakeNode(join(root, 'node_modules/.bin'), node)
  return join(root, 'bin/pforte')
}

function fakeNode(where: string, script: string): void {
  mkdirSync(where, { recursive: true })
  writeFileSync(join(where, 'node'), `#!/bin/sh\n${script}\n`)
  chmodSync(join(where, 'node'), 0o755)
}

const systemPath = ['/usr/bin', '/bin'].join(delimiter)
const real = `exec '${process.execPath}' "$@"`
const old = 'echo v20.19.2'
const broken =
  'echo "node: error while loading shared libraries: libatomic.so.1: cannot open shared object file" >&2; exit 127'

/** A PATH with the tools the launcher needs and this `node`, or none. */
function pathWith(name: string, node: string | null): string {
  const where = join(folder, `path-${name}`)
  mkdirSync(where, { recursive: true })
  for (const tool of ['dirname', 'readlink', 'cat', 'sh']) {
    const found = systemPath.split(delimiter).map((one) => join(one, tool))
    const [first] = found.filter((one) => spawnSync('test', ['-x', one]).status === 0)
    if (first !== undefined) symlinkSync(first, join(where, tool))
  }
  if (node !== null) fakeNode(where, node)
  return where
}

test('the launcher starts the program, also through symbolic links', () => {
  const links = join(folder, 'links')
  mkdirSync(links)
  symlinkSync(launcher, join(links, 'absolute'))
  symlinkSync('absolute', join(links, 'relative'))
  for (const command of [launcher, join(links, 'absolute'), join(links, 'relative')]) {
    assert.match(run(command, ['--version']).stdout, /^pforte \d/, command)
  }
})

test('arguments reach the program as they are', () => {
  const command = packageWith('arguments', real)
  assert.equal(run(command, ['a b', '', '*', '--x=$y']).stdout, 'a b||*|--x=$y\n')
})

test('without a node of its own the one in PATH is used, if it is new enough', () => {
  const command = packageWith('system', null)
  assert.equal(run(command, ['x'], pathWith('real', real)).stdout, 'x\n')
  const { code, stderr } = run(command, ['x'], pathWith('old', old))
  assert.equal(code, 1)
  assert.match(stderr, /node is Node\.js v20\.19\.2, and Pforte needs 26 or newer/)
  assert.match(stderr, /npm ci/)
  assert.match(run(command, ['x'], pathWith('none', null)).stderr, /nor node in PATH/)
  assert.match(run(command, ['x'], pathWith('odd', 'echo hello')).stderr, /is not Node\.js: hello/)
})

test('a missing libatomic is named with its package', () => {
  const command = packageWith('atomic', broken)
  const { code, stderr } = run(command, ['x'], pathWith('old-again', old))
  assert.equal(code, 1)
  assert.match(
    stderr,
    /libatomic\.so\.1 is missing\.\nOn Debian and Ubuntu: apt-get install libatomic1/,
  )
})

test('a node of its own that does not start gives way to a good one in PATH', () => {
  const command = packageWith('fallback', broken)
  assert.equal(run(command, ['x'], pathWith('good', real)).stdout, 'x\n')
})

test('exit codes: 0 done, 2 wrong usage or bad configuration', () => {
  assert.equal(run(launcher, ['help']).code, 0)
  assert.equal(run(launcher, ['nothing']).code, 2)
  const missing = run(launcher, ['config'])
  assert.equal(missing.code, 2)
  assert.match(missing.stderr, /none\.yaml: does not exist; name the file with --config FILE/)
})

test('help loads neither the schema library nor a command', () => {
  const hook = join(folder, 'hook.mjs')
  writeFileSync(
    hook,
    `import { registerHooks } from 'node:module'
registerHooks({ load: (url, context, next) => { console.error('loaded ' + url); return next(url, context) } })
`,
  )
  for (const args of [['--help'], ['--version'], ['help']]) {
    const { stderr } = run(process.execPath, ['--import', hook, program, ...args])
    assert.match(stderr, /loaded .*src\/app\/commands\.ts/)
    assert.doesNotMatch(stderr, /zod|yaml|src\/config|src\/app\/commands\//)
  }
})

test('a reader that goes away is no error', async () => {
  const child = spawn(process.execPath, [program, 'config', 'reference'])
  child.stdout.destroy()
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
})

test('output that cannot be written is an error', () => {
  const { code, stderr } = run('sh', ['-c', `'${launcher}' config reference > /dev/full`])
  assert.equal(code, 1)
  assert.match(stderr, /^pforte: cannot write the output: ENOSPC/)
})

test('the launcher is plain sh', () => {
  assert.equal(spawnSync('sh', ['-n', launcher]).status, 0)
})
