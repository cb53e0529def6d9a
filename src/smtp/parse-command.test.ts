import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Command, CommandProblem, MailParameters } from './command.ts'
import { LineDecoder } from './line-decoder.ts'
import { parseCommand, parseLine } from './parse-command.ts'

const plain: MailParameters = { sizeBytes: null, is8BitMime: false, isSmtpUtf8: false }

function mail(local: string, parameters: Partial<MailParameters> = {}): Command {
  const mailbox = { local, domain: 'b.example' }
  return {
    verb: 'MAIL',
    reversePath: { kind: 'mailbox', mailbox },
    parameters: { ...plain, ...parameters },
  }
}

function rcpt(local: string): Command {
  const mailbox = { local, domain: 'b.example' }
  return { verb: 'RCPT', forwardPath: { kind: 'mailbox', mailbox } }
}

const commands: Readonly<Record<string, Command>> = {
  'EHLO mail.example': { verb: 'EHLO', name: 'mail.example' },
  'helo  [192.0.2.1] ': { verb: 'HELO', name: '[192.0.2.1]' },
  'EHLO odd_name!': { verb: 'EHLO', name: 'odd_name!' },
  'MAIL FROM:<a@b.example>': mail('a'),
  'mail from: <a@b.example>': mail('a'),
  'MAIL FROM:<>': { verb: 'MAIL', reversePath: { kind: 'null' }, parameters: plain },
  'MAIL FROM:<a@b.example> SIZE=0': mail('a', { sizeBytes: 0 }),
  'MAIL FROM:<a@b.example>  size=12  body=8bitmime ': mail('a', {
    sizeBytes: 12,
    is8BitMime: true,
  }),
  'MAIL FROM:<a@b.example> BODY=7BIT': mail('a'),
  'MAIL FROM:<a@b.example> SIZE=99999999999999999999': mail('a', {
    sizeBytes: Number.MAX_SAFE_INTEGER,
  }),
  'MAIL FROM:<ä@b.example> SMTPUTF8': mail('ä', { isSmtpUtf8: true }),
  'RCPT TO:<a@b.example>': rcpt('a'),
  'rcpt to: <"a>"@b.example> ': rcpt('"a>"'),
  'RCPT TO:<ä@b.example>': rcpt('ä'), // whether SMTPUTF8 was asked for is known to the session
  'RCPT TO:<PostMaster>': { verb: 'RCPT', forwardPath: { kind: 'postmaster' } },
  DATA: { verb: 'DATA' },
  'data ': { verb: 'DATA' },
  'BDAT 10': { verb: 'BDAT', sizeBytes: 10, isLast: false },
  'bdat  0  last ': { verb: 'BDAT', sizeBytes: 0, isLast: true },
  'BDAT 9007199254740991 LAST': {
    verb: 'BDAT',
    sizeBytes: Number.MAX_SAFE_INTEGER,
    isLast: true,
  },
  RSET: { verb: 'RSET' },
  'NOOP what ever': { verb: 'NOOP' },
  Quit: { verb: 'QUIT' },
  'VRFY someone': { verb: 'VRFY' },
  'EXPN list': { verb: 'EXPN' },
  'HELP me': { verb: 'HELP' },
  STARTTLS: { verb: 'STARTTLS' },
}

for (const [line, command] of Object.entries(commands)) {
  test(`${JSON.stringify(line)} is ${command.verb}`, () => {
    assert.deepEqual(parseCommand(line), { ok: true, value: command })
  })
}

const problems: readonly (readonly [string, CommandProblem['kind']])[] = [
  ['', 'unknown-verb'],
  [' DATA', 'unknown-verb'],
  ['BDAT', 'bad-chunk'],
  ['BDAT LAST', 'bad-chunk'],
  ['BDAT 10 FIRST', 'bad-chunk'],
  ['BDAT 10 LAST LAST', 'bad-chunk'],
  ['BDAT -1', 'bad-chunk'],
  ['BDAT +1', 'bad-chunk'],
  ['BDAT 1e3', 'bad-chunk'],
  ['BDAT 0x10', 'bad-chunk'],
  ['BDAT 1.5', 'bad-chunk'],
  ['BDAT 10,LAST', 'bad-chunk'],
  ['BDAT 9007199254740992', 'bad-chunk'],
  ['BDAT 18446744073709551617 LAST', 'bad-chunk'], // 2^64 + 1
  [`BDAT ${'9'.repeat(500)}`, 'bad-chunk'],
  ['BDAT\t10', 'bad-chunk'],
  [' BDAT 10', 'bad-chunk'],
  ['BDATA 10', 'unknown-verb'],
  ['DATA\t', 'unknown-verb'],
  ['maıl FROM:<>', 'unknown-verb'], // Unicode's upper case of the dotless i is I
  ['constructor', 'unknown-verb'],
  ['GET / HTTP/1.1', 'not-smtp'],
  ['post / HTTP/1.1', 'not-smtp'],
  ['CONNECT relay.example:25 HTTP/1.1', 'not-smtp'],
  ['Host: relay.example', 'not-smtp'],
  ['X-MAIL:', 'not-smtp'],
  ['\u0016\u0003\u0001', 'not-smtp'],
  ['.', 'not-smtp'],
  ['GETTING on', 'unknown-verb'],
  ['WHAT FROM:<a@b.example>', 'unknown-verb'],
  ['EHLO', 'syntax'],
  ['HELO  ', 'syntax'],
  ['EHLO two words', 'syntax'],
  [`EHLO ${'x'.repeat(256)}`, 'syntax'],
  ['EHLO a\u0007b', 'syntax'],
  ['MAIL', 'syntax'],
  ['MAIL TO:<a@b.example>', 'syntax'],
  ['MAIL FROM <a@b.example>', 'syntax'],
  ['MAIL FROM:a@b.example', 'bad-sender'],
  ['MAIL FROM:<a>', 'bad-sender'],
  ['MAIL FROM:<a@b.example>SIZE=1', 'bad-sender'],
  ['MAIL FROM:<a@b.example> SIZE', 'syntax'],
  ['MAIL FROM:<a@b.example> SIZE=-1', 'syntax'],
  ['MAIL FROM:<a@b.example> SIZE=1 size=2', 'syntax'],
  ['MAIL FROM:<a@b.example> SMTPUTF8=1', 'syntax'],
  ['MAIL FROM:<a@b.example> BODY=BINARYMIME', 'unsupported-parameter'],
  ['MAIL FROM:<a@b.example> BODY', 'unsupported-parameter'],
  ['MAIL FROM:<a@b.example> RET=HDRS', 'unsupported-parameter'],
  ['MAIL FROM:<ä@b.example>', 'non-ascii'],
  ['RCPT', 'syntax'],
  ['RCPT FROM:<a@b.example>', 'syntax'],
  ['RCPT TO:<>', 'bad-recipient'],
  ['RCPT TO:<a>', 'bad-recipient'],
  ['RCPT TO:a@b.example', 'bad-recipient'],
  ['RCPT TO:<a@b.example> NOTIFY=NEVER', 'unsupported-parameter'],
  ['DATA now', 'syntax'],
  ['RSET x', 'syntax'],
  ['QUIT x', 'syntax'],
  ['STARTTLS x', 'syntax'],
  ['VRFY', 'syntax'],
  ['EXPN ', 'syntax'],
]

for (const [line, kind] of problems) {
  test(`${JSON.stringify(line).slice(0, 50)} is a problem: ${kind}`, () => {
    const parsed = parseCommand(line)
    assert.ok(!parsed.ok)
    assert.equal(parsed.problem.kind, kind)
    assert.match(parsed.problem.detail, /^[ -~]{1,80}$/)
  })
}

const brokenLines: Readonly<Record<string, CommandProblem['kind']>> = {
  'NOOP\n': 'bare-newline',
  'BDAT 10\n': 'bad-chunk',
  'BDAT 10 LAST\r\r\n': 'bad-chunk',
  'bdat\0 10\r\n': 'bad-chunk',
  [`BDAT 10 ${'x'.repeat(3000)}\r\n`]: 'bad-chunk',
  [`NOOP ${'x'.repeat(3000)}\r\n`]: 'line-too-long',
  'GET / HTTP/1.1\n': 'not-smtp',
  '\u0016\u0003\u0001\u0002\0\n': 'not-smtp',
}

for (const [line, kind] of Object.entries(brokenLines)) {
  test(`a broken line ${JSON.stringify(line).slice(0, 40)} is a problem: ${kind}`, () => {
    for (const pieces of [[line], line.split('')]) {
      const decoder = new LineDecoder()
      for (const piece of pieces) decoder.push(Buffer.from(piece, 'latin1'))
      const decoded = decoder.next()
      assert.ok(decoded !== null)
      const parsed = parseLine(decoded)
      assert.ok(!parsed.ok)
      assert.equal(parsed.problem.kind, kind)
    }
  })
}
