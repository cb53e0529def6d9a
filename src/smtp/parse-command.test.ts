import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Command, CommandProblem, MailParameters } from './command.ts'
import { parseCommand } from './parse-command.ts'

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
  ['BDAT 10 LAST', 'unknown-verb'],
  ['DATA\t', 'unknown-verb'],
  ['maıl FROM:<>', 'unknown-verb'], // Unicode's upper case of the dotless i is I
  ['constructor', 'unknown-verb'],
  ['GET / HTTP/1.1', 'unknown-verb'],
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
