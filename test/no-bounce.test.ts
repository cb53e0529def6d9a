// Pforte can send no bounce, by construction: a mail goes out with the reverse-path its client gave, or,
// when it is an alert of ours, with a mailbox. Checked in the text of the sources; the checker is tried on
// planted faults first. What the program does is shown in e2e/no-bounce-ever.test.ts.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isTest, readSources, withoutComments, type Source } from './support/source-text.ts'

/** Where each step on the way out may be taken. A file more in one of these lists is a decision. */
const steps: readonly {
  readonly what: string
  readonly pattern: RegExp
  readonly files: readonly string[]
}[] = [
  {
    what: 'writes MAIL FROM',
    pattern: /`MAIL FROM:/,
    // An examination of a server asks, and sends test mails of its own to a mailbox its owner has named. A
    // rehearsal speaks to its own process.
    files: [
      'src/app/rehearsal/rehearsal-client.ts',
      'src/client/on-envelope.ts',
      'src/compliance/checks/rcpt-multi/check.ts',
      'src/compliance/checks/smuggling/check.ts',
      'src/compliance/checks/transparency/check.ts',
      'src/compliance/dialog/questions.ts',
      'src/compliance/sending.ts',
    ],
  },
  {
    what: 'sends content to a next hop',
    pattern: /\.transfer\(/,
    files: ['src/handover/handover.ts', 'src/nexthop/open-next-hops.ts', 'src/nexthop/target.ts'],
  },
  {
    // The mail of a client, the mail of a client from the spool, an alert.
    what: 'hands a mail over',
    pattern: /\bhandOver\((?!\s*nextHops: NextHops,\n)/,
    files: ['src/alert/send-mail.ts', 'src/delivery/attempt.ts', 'src/intake/finish-mail.ts'],
  },
  {
    what: 'writes an entry of the spool',
    pattern: /\bINSERT (?:OR \w+ )?INTO (?:main\.)?entry\b/i,
    files: ['src/spool/store.ts'],
  },
  {
    // RFC 5321 §4.1.1.2: `<>` of a client becomes a value here; `explain` reads it from its arguments
    // and sends nothing.
    what: 'makes a null reverse-path',
    pattern: /\bkind: 'null'/,
    files: ['src/app/commands/explain.ts', 'src/smtp/parse-command.ts', 'src/smtp/path.ts'],
  },
]

/** What can stand behind `reversePath:`: the client's own, carried on. */
const carriedOn = [
  /^reversePathText\([\w.#()]+\)$/,
  /^[\w.#()]+\.reversePath$/,
  /^textOf\(\w+, 'reverse_path'\)$/,
]

/** Further values, each in one file. None of them can reach the content of a mail as `''`. */
const others: Readonly<Record<string, readonly string[]>> = {
  // A question has no content: MAIL, RCPT, RSET.
  'src/recipients/question.ts': ["isNullSender ? '' : options.probeSender"],
  'src/app/commands/explain.ts': ['reversePath(values.from)'],
  'src/smtp/parse-command.ts': ['reversePath.value'],
  'src/telemetry/sample-events.ts': ["'alice@sender.example'"],
  'src/telemetry/log-events-table.ts': [
    "'MAIL FROM without angle brackets; empty for the null reverse-path.'",
  ],
}

/** `reversePath` as a shorthand: where the variable of that name comes from. */
const shorthands: Readonly<Record<string, string>> = {
  'src/alert/send-mail.ts': 'const reversePath = encodeMailbox(mail.from)',
  'src/app/commands/explain/explain-rules.ts': 'const { client, reversePath } = envelope',
  'src/delivery/attempt.ts':
    'const { reversePath, isSmtpUtf8, is8BitMime, clientAddress, greetingName } = lease',
  // For the rules, which only judge it.
  'src/intake/recipient-desk.ts':
    '#rulesOf(mail: string, { reversePath }: Transaction): TransactionRules | null {',
  'src/session/on-mail.ts': 'const { reversePath, parameters } = command',
}

/** Names in which a bounce would be written. */
const bounceWords = /multipart\/report|delivery-status|mailer-daemon|undeliver(?:ed|able) mail/i

/** It reads bounces of others; who cannot connect to anybody cannot send one. */
const readers: readonly string[] = ['src/catcher/classify.ts']

const types = /^(?:string|ReversePath|SQLOutputValue)(?: \| (?:null|undefined))?$/

function faultsOf({ path, text }: Source): readonly string[] {
  const code = withoutComments(text)
  const faults: string[] = []
  for (const { what, pattern, files } of steps) {
    if (pattern.test(code) && !files.includes(path)) faults.push(what)
  }
  for (const value of valuesOf(code)) {
    const isKnown = carriedOn.some((form) => form.test(value)) || types.test(value)
    if (!isKnown && others[path]?.includes(value) !== true) faults.push(`reversePath is ${value}`)
  }
  const origin = shorthands[path]
  if (hasShorthand(code) && (origin === undefined || !code.includes(origin))) {
    faults.push('reversePath of unknown origin')
  }
  if (/\.reversePath\s*=(?![=>])/.test(code)) faults.push('sets a reverse-path')
  if (/\bSET\b[^;`']*\breverse_path\s*=/i.test(code)) faults.push('changes a reverse-path')
  if (/\[['"`]reversePath['"`]\]/.test(code) && !path.startsWith('src/telemetry/')) {
    faults.push('reaches a reverse-path by its name as text')
  }
  const word = bounceWords.exec(code)?.[0]
  if (word !== undefined && !readers.includes(path)) faults.push(`speaks of ${word}`)
  return faults
}

/** What stands behind each `reversePath:`, up to its comma or the end of its line. */
function valuesOf(code: string): readonly string[] {
  const starts = code.matchAll(/\breversePath\??:\s*/g)
  return [...starts].map((start) => valueAt(code, start.index + start[0].length))
}

function valueAt(code: string, from: number): string {
  let depth = 0
  let end = from
  for (; end < code.length; end += 1) {
    const character = code[end] ?? ''
    if ('\'"`'.includes(character)) end = code.indexOf(character, end + 1)
    else if ('([{'.includes(character)) depth += 1
    else if (')]}'.includes(character)) depth -= 1
    if (depth < 0 || (depth === 0 && ',;'.includes(character))) break
    // A line goes on where the next one begins with an operator.
    if (depth === 0 && character === '\n' && !/^\s*[?:.&|+]/.test(code.slice(end))) break
  }
  return code.slice(from, end).replaceAll(/\s+/g, ' ').trim()
}

/** True when a variable of that name goes into an object; a destructuring only reads one. */
function hasShorthand(code: string): boolean {
  return [...code.matchAll(/(?<=[{,]\s*)\breversePath\b(?=\s*[,}])/g)].some(({ index }) => {
    const start = bracketBefore(code, index)
    // An item of a list, an argument, a piece of a text.
    if (code[start] !== '{' || code[start - 1] === '$') return false
    const behind = code.slice(bracketBehind(code, index) + 1)
    const isParameter = code[start - 1] === '(' && /^(?::|\) *(?:=>|:|\{))/.test(behind)
    return !isParameter && !/^\s*=(?![=>])/.test(behind)
  })
}

function bracketBefore(code: string, index: number): number {
  let depth = 0
  for (let at = index - 1; at >= 0; at -= 1) {
    const character = code[at] ?? ''
    if (')]}'.includes(character)) depth += 1
    if ('([{'.includes(character)) depth -= 1
    if (depth < 0) return at
  }
  return -1
}

function bracketBehind(code: string, index: number): number {
  let depth = 0
  for (let at = index; at < code.length; at += 1) {
    const character = code[at] ?? ''
    if ('([{'.includes(character)) depth += 1
    if (')]}'.includes(character)) depth -= 1
    if (depth < 0) return at
  }
  return code.length
}

describe('the checker finds what is planted', () => {
  const planted: readonly (readonly [file: string, text: string, fault: string])[] = [
    ['delivery/a.ts', "const bounce = { reversePath: '', recipients }", "reversePath is ''"],
    ['delivery/a.ts', 'f({ reversePath: ``, recipients })', 'reversePath is ``'],
    [
      'alert/a.ts',
      "f({\n  reversePath: isQuiet\n    ? ''\n    : from,\n})",
      'reversePath is isQuiet',
    ],
    ['spool/a.ts', 'const entry = { ...lease, reversePath: empty }', 'reversePath is empty'],
    ['delivery/a.ts', "const reversePath = ''\nf({ reversePath })", 'of unknown origin'],
    [
      'delivery/a.ts',
      "const reversePath = ''\nf({\n  id,\n  reversePath,\n})",
      'of unknown origin',
    ],
    ['delivery/a.ts', "mail.reversePath = ''", 'sets a reverse-path'],
    ['delivery/a.ts', "f({ ...mail, ['reversePath']: '' })", 'by its name as text'],
    ['spool/a.ts', "db.exec(`UPDATE entry SET reverse_path = ''`)", 'changes a reverse-path'],
    ['delivery/a.ts', 'await handOver(nextHops, mail, within)', 'hands a mail over'],
    ['app/a.ts', 'await nextHops.transfer(route, mail, within)', 'sends content'],
    ['delivery/a.ts', "const path = { kind: 'null' } as const", 'makes a null reverse-path'],
    ['nexthop/a.ts', 'send(`MAIL FROM:<>`)', 'writes MAIL FROM'],
    ['app/a.ts', 'db.exec(`INSERT INTO entry VALUES (1)`)', 'writes an entry'],
    ['alert/a.ts', "const type = 'multipart/report'", 'speaks of multipart/report'],
  ]
  for (const [file, text, fault] of planted) {
    test(`${file}: ${text.slice(0, 60).replaceAll('\n', ' ')}`, () => {
      const faults = faultsOf({ path: `src/${file}`, text })
      assert.equal(faults.length, 1, faults.join('\n'))
      assert.match(faults[0] ?? '', new RegExp(RegExp.escape(fault)))
    })
  }
})

describe('the checker lets pass what is right', () => {
  const right: readonly (readonly [file: string, text: string])[] = [
    ['src/delivery/a.ts', 'f({ id, reversePath: lease.reversePath, recipients })'],
    ['src/intake/a.ts', 'f({ reversePath: reversePathText(mail.transaction.reversePath) })'],
    [
      'src/delivery/a.ts',
      '// reversePath: ""\nconst { id, reversePath } = lease\nlog(reversePath)',
    ],
    [
      'src/intake/a.ts',
      'const { id, reversePath } = mail\nreturn [id, reversePath, ...rest].join()',
    ],
    ['src/delivery/a.ts', 'const f = ({ id, reversePath }: Lease): string => id + reversePath'],
    ['src/spool/a.ts', 'interface Entry {\n  readonly reversePath: string\n}'],
  ]
  for (const [file, text] of right) {
    test(`${file}: ${text.slice(0, 60).replaceAll('\n', ' ')}`, () => {
      assert.deepEqual(faultsOf({ path: file, text }), [])
    })
  }
})

describe('the sources', () => {
  const sources = readSources().filter(({ path }) => !isTest(path))

  test('send with the reverse-path of the client, or with a mailbox', () => {
    const faults = sources.flatMap((each) =>
      faultsOf(each).map((fault) => `${each.path}: ${fault}`),
    )
    assert.deepEqual(faults, [])
  })

  test('take every listed step, and hold every listed exception', () => {
    const codeOf = new Map(sources.map(({ path, text }) => [path, withoutComments(text)]))
    for (const { what, pattern, files } of steps) {
      for (const file of files) {
        assert.match(codeOf.get(file) ?? '', pattern, `${file} no longer ${what}: take it out`)
      }
    }
    for (const [file, values] of Object.entries(others)) {
      const found = valuesOf(codeOf.get(file) ?? '')
      for (const value of values) assert.ok(found.includes(value), `${file}: ${value}`)
    }
    for (const [file, origin] of Object.entries(shorthands)) {
      assert.ok(codeOf.get(file)?.includes(origin) === true, `${file}: ${origin}`)
    }
  })
})
