// What a client says: bytes to lines, lines to commands. The reference is RFC 5321 §4.1.2 in regular
// expressions, without source routes, as lenient as docs/decisions/006 and no more.

import assert from 'node:assert/strict'
import type { Command } from '#smtp/command.ts'
import { LineDecoder } from '#smtp/line-decoder.ts'
import { parseLine } from '#smtp/parse-command.ts'
import { forwardPathText, reversePathText } from '#smtp/path.ts'
import { packets, type FuzzTarget } from '../target.ts'

type Parsed = ReturnType<typeof parseLine>

function commandsOf(pieces: readonly Buffer[]): readonly Parsed[] {
  const decoder = new LineDecoder()
  const parsed: Parsed[] = []
  for (const piece of pieces) {
    decoder.push(piece)
    for (let line = decoder.next(); line !== null; line = decoder.next())
      parsed.push(parseLine(line))
    assert.ok(decoder.pendingBytes <= 2048, 'an endless line is kept')
  }
  return parsed
}

const atext = "[\\w!#$%&'*+/=?^`{|}~.\\u00a0-\\uffff-]+"
const quoted = '"(?:[ !#-\\[\\]-~\\u00a0-\\uffff]|\\\\[ -~])*"'
const host = '[a-z0-9_-]+(?:\\.[a-z0-9_-]+)*'
const mailbox = new RegExp(`^(?:${atext}|${quoted})@(?:${host}|\\[[a-z0-9_:.-]+\\])$`)

function checkCommand(command: Command): void {
  switch (command.verb) {
    case 'MAIL': {
      const text = reversePathText(command.reversePath)
      if (command.reversePath.kind === 'mailbox') assert.match(text, mailbox)
      const { sizeBytes } = command.parameters
      assert.ok(sizeBytes === null || (Number.isSafeInteger(sizeBytes) && sizeBytes >= 0))
      break
    }
    case 'RCPT':
      if (command.forwardPath.kind === 'mailbox') {
        assert.match(forwardPathText(command.forwardPath), mailbox)
      }
      break
    case 'BDAT':
      assert.ok(Number.isSafeInteger(command.sizeBytes) && command.sizeBytes >= 0)
      break
    case 'EHLO':
    case 'HELO':
      // oxlint-disable-next-line no-control-regex -- what a name must not have
      assert.match(command.name, /^[^\u0000- \u007f-\u009f]{1,255}$/)
      break
    case 'DATA':
    case 'RSET':
    case 'NOOP':
    case 'QUIT':
    case 'VRFY':
    case 'EXPN':
    case 'HELP':
    case 'STARTTLS':
      assert.deepEqual(Object.keys(command), ['verb'])
  }
}

/** A command that was taken is taken again in its plain form, and means the same. */
function checkAgain(command: Command): void {
  if (command.verb !== 'MAIL' && command.verb !== 'RCPT') return
  const { verb } = command
  const path =
    verb === 'MAIL' ? reversePathText(command.reversePath) : forwardPathText(command.forwardPath)
  const more = verb === 'MAIL' && command.parameters.isSmtpUtf8 ? ' SMTPUTF8' : ''
  const line = `${verb} ${verb === 'MAIL' ? 'FROM' : 'TO'}:<${path}>${more}\r\n`
  const [again] = commandsOf([Buffer.from(line)])
  assert.ok(again?.ok === true, line)
  const value = again.value
  if (value.verb === 'MAIL' && verb === 'MAIL') {
    assert.deepEqual(value.reversePath, command.reversePath)
  }
  if (value.verb === 'RCPT' && verb === 'RCPT') {
    assert.deepEqual(value.forwardPath, command.forwardPath)
  }
}

export const commandLines: FuzzTarget = {
  name: 'command-lines',
  words: [
    'EHLO ',
    'MAIL FROM:',
    'mail from:<',
    'RCPT TO:<',
    'BDAT ',
    ' LAST',
    'DATA\r\n',
    '<>',
    '<',
    '>\r\n',
    '"',
    '\\',
    '@',
    'a@inst.example',
    '@a.example,@b.example:',
    '.',
    '..',
    '[192.0.2.1]',
    '[IPv6:::1]',
    ' SIZE=',
    ' BODY=8BITMIME',
    ' SMTPUTF8',
    '99999999999999999999',
    'postmaster',
    'm\xc3\xbcnchen.example',
    '\xc2\x9b',
    '\xc4\xb1',
    '%',
    '!',
    'GET / HTTP/1.1\r\n',
    'x'.repeat(300),
    '\r\n',
    '\n',
    '\r',
    '\0',
    ' ',
    '\t',
  ],
  check: (bytes, cut) => {
    const whole = commandsOf([bytes])
    assert.deepEqual(commandsOf(packets(bytes, cut)), whole)
    for (const parsed of whole) {
      if (!parsed.ok) assert.match(parsed.problem.detail, /^[ -~]{1,100}$/)
      else {
        checkCommand(parsed.value)
        checkAgain(parsed.value)
      }
    }
  },
}
