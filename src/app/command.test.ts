import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CommandError,
  commandGroup,
  parseArguments,
  runCommand,
  UsageError,
  type Command,
  type CommandIo,
} from './command.ts'

interface Run {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function run(command: Command, args: readonly string[]): Promise<Run> {
  const written = { stdout: '', stderr: '' }
  const io: CommandIo = {
    stdout: (text) => (written.stdout += text),
    stderr: (text) => (written.stderr += text),
    environment: {},
    isTerminal: false,
    signal: new AbortController().signal,
  }
  const code = await runCommand('gate', command, args, io)
  return { code, ...written }
}

function leaf(act: (args: readonly string[], io: CommandIo) => number): Command {
  return {
    summary: 'does something',
    usage: 'Usage: pforte gate leaf\n',
    run: async (args, io) => act(args, io),
  }
}

test('the exit code of a command is passed on', async () => {
  assert.deepEqual(
    await run(
      leaf(() => 1),
      [],
    ),
    { code: 1, stdout: '', stderr: '' },
  )
})

test('help is printed and nothing is run', async () => {
  const never = leaf(() => assert.fail('ran'))
  for (const args of [['--help'], ['-h'], ['x', '--json', '--help']]) {
    const expected = { code: 0, stdout: never.usage, stderr: '' }
    assert.deepEqual(await run(never, args), expected)
  }
})

test('what follows -- is no request for help', async () => {
  const echo = leaf((args, io) => {
    io.stdout(args.join(' '))
    return 0
  })
  assert.deepEqual(await run(echo, ['--', '--help']), { code: 0, stdout: '-- --help', stderr: '' })
})

test('a failure is told without a stack, a usage error points to help', async () => {
  const failing = leaf(() => {
    throw new CommandError('inst.example is not served; pforte domain list shows what is')
  })
  assert.deepEqual(await run(failing, []), {
    code: 1,
    stdout: '',
    stderr: 'pforte gate: inst.example is not served; pforte domain list shows what is\n',
  })
  const misused = leaf(() => {
    throw new UsageError('name a domain')
  })
  assert.deepEqual(await run(misused, []), {
    code: 2,
    stdout: '',
    stderr: 'pforte gate: name a domain\nSee: pforte gate --help\n',
  })
})

test('any other error is a fault of ours and is not hidden', async () => {
  const broken = leaf(() => {
    throw new TypeError('broken')
  })
  await assert.rejects(run(broken, []), TypeError)
})

test('arguments are parsed, and errors become usage errors in plain words', () => {
  const shape = {
    options: {
      config: { type: 'string' },
      json: { type: 'boolean' },
      to: { type: 'string', multiple: true },
    },
    allowPositionals: true,
  } as const
  const { values, positionals } = parseArguments(['a', '--to', 'x', '--to=y', '--json'], shape)
  assert.deepEqual(positionals, ['a'])
  assert.deepEqual({ ...values }, { to: ['x', 'y'], json: true })
  const rows: readonly (readonly [readonly string[], string])[] = [
    [['--confg', 'x'], "unknown option '--confg'; did you mean --config?"],
    [['--entirely-else'], "unknown option '--entirely-else'"],
    [['-z'], "unknown option '-z'"],
    [['--json=yes'], "option '--json' does not take an argument"],
    [['--config'], "option '--config <value>' argument missing"],
    [
      ['--config', '--json'],
      "option '--config' needs a value; one that begins with a dash is written --config=…",
    ],
  ]
  for (const [args, message] of rows) {
    assert.throws(
      () => parseArguments(args, shape),
      (error) => error instanceof UsageError && error.message === message,
      message,
    )
  }
  assert.throws(
    () => parseArguments(['x'], { options: {} }),
    /^UsageError: unexpected argument 'x'/,
  )
})

const group = commandGroup({
  name: 'gate',
  summary: 'opens and closes',
  subcommands: {
    open: {
      summary: 'open it',
      usage: 'Usage: pforte gate open\n',
      run: async (args, io) => {
        io.stdout(`open ${args.join(' ')}\n`)
        return 0
      },
    },
    shut: {
      summary: 'close it',
      usage: 'Usage: pforte gate shut\n',
      run: async () => {
        throw new UsageError('it is already shut')
      },
    },
  },
})

test('a group runs its subcommands', async () => {
  assert.deepEqual(await run(group, ['open', 'wide']), {
    code: 0,
    stdout: 'open wide\n',
    stderr: '',
  })
  const shut = await run(group, ['shut'])
  assert.deepEqual(shut, {
    code: 2,
    stdout: '',
    stderr: 'pforte gate shut: it is already shut\nSee: pforte gate shut --help\n',
  })
})

test('a group has help of its own and passes help on', async () => {
  const own = await run(group, ['--help'])
  assert.equal(own.code, 0)
  assert.match(own.stdout, /^Usage: pforte gate COMMAND\n/)
  assert.match(own.stdout, /\n {2}pforte gate open {2}open it\n {2}pforte gate shut {2}close it\n$/)
  assert.equal((await run(group, ['open', '--help'])).stdout, 'Usage: pforte gate open\n')
})

test('a group names the nearest subcommand, or all of them', async () => {
  assert.match((await run(group, ['opne'])).stderr, /unknown command 'opne'; did you mean open\?/)
  assert.match((await run(group, ['constructor'])).stderr, /known are: open, shut/)
  const none = await run(group, [])
  assert.equal(none.code, 2)
  assert.match(none.stderr, /name one of: open, shut/)
})

test('unknown words are shown without their control characters', async () => {
  const { stderr } = await run(group, ['\u001b[31mopen'])
  assert.doesNotMatch(stderr, /\u001b/) // oxlint-disable-line no-control-regex -- it must be gone
})
