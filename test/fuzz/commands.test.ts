// A command that is written down is parsed as the command it was, in any case and with any spacing allowed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Command, MailParameters } from '#smtp/command.ts'
import { parseCommand } from '#smtp/parse-command.ts'
import { parseMailbox, splitPath } from '#smtp/parse-path.ts'
import { forwardPathText, reversePathText, type Mailbox } from '#smtp/path.ts'
import { timeBoxed, trickyBytes } from './support.ts'

const atom = fc.string({
  unit: fc.constantFrom('a', 'Z', '7', '+', '-', '_', '=', '/'),
  minLength: 1,
  maxLength: 9,
})
const quoted = fc
  .array(fc.constantFrom('a', ' ', '@', '>', '<', ':', '\\"', '\\\\', '\\>'), { maxLength: 8 })
  .map((parts) => `"${parts.join('')}"`)
const mailbox: fc.Arbitrary<Mailbox> = fc.record({
  local: fc.oneof(atom, quoted),
  domain: fc.constantFrom('inst.example', 'a-b.c.example', '[192.0.2.1]'),
})
const parameters: fc.Arbitrary<MailParameters> = fc.record({
  sizeBytes: fc.option(fc.nat()),
  is8BitMime: fc.boolean(),
  isSmtpUtf8: fc.boolean(),
})

const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ verb: fc.constantFrom('EHLO', 'HELO'), name: atom }),
  fc.record({
    verb: fc.constant('MAIL'),
    reversePath: fc.oneof(
      fc.record({ kind: fc.constant('null') }),
      fc.record({ kind: fc.constant('mailbox'), mailbox }),
    ),
    parameters,
  }),
  fc.record({
    verb: fc.constant('RCPT'),
    forwardPath: fc.oneof(
      fc.record({ kind: fc.constant('postmaster') }),
      fc.record({ kind: fc.constant('mailbox'), mailbox }),
    ),
  }),
  fc.record({ verb: fc.constant('BDAT'), sizeBytes: fc.maxSafeNat(), isLast: fc.boolean() }),
  fc
    .constantFrom('DATA', 'RSET', 'NOOP', 'QUIT', 'VRFY', 'EXPN', 'HELP', 'STARTTLS')
    .map((verb) => ({ verb })),
)

/** `spell` writes the words whose case does not matter. */
function render(order: Command, spell: (word: string) => string): string {
  const verb = spell(order.verb)
  switch (order.verb) {
    case 'EHLO':
    case 'HELO':
      return `${verb} ${order.name}`
    case 'MAIL': {
      const { sizeBytes, is8BitMime, isSmtpUtf8 } = order.parameters
      let line = `${verb} ${spell('FROM:')}<${reversePathText(order.reversePath)}>`
      if (isSmtpUtf8) line += ` ${spell('SMTPUTF8')}`
      if (sizeBytes !== null) line += ` ${spell('SIZE')}=${sizeBytes}`
      return is8BitMime ? `${line} ${spell('BODY=8BITMIME')}` : line
    }
    case 'RCPT':
      return `${verb} ${spell('TO:')}<${forwardPathText(order.forwardPath)}>`
    case 'BDAT':
      return `${verb} ${order.sizeBytes}${order.isLast ? ` ${spell('LAST')}` : ''}`
    case 'VRFY':
    case 'EXPN':
      return `${verb} someone`
    case 'DATA':
    case 'RSET':
    case 'NOOP':
    case 'QUIT':
    case 'HELP':
    case 'STARTTLS':
      return verb
  }
}

const spelling = fc.constantFrom<(word: string) => string>(
  (word) => word,
  (word) => word.toLowerCase(),
  (word) => word.slice(0, 1) + word.slice(1).toLowerCase(),
)

test('a command is read back as it was', () => {
  fc.assert(
    fc.property(command, spelling, (order, spell) => {
      // A plain copy: generated records have no prototype.
      assert.deepEqual(parseCommand(render(order, spell)), {
        ok: true,
        value: structuredClone(order),
      })
    }),
    timeBoxed,
  )
})

test('paths: whatever stands there, a path or a problem in one phrase', () => {
  const words = ['<', '>', '"', '\\', '@', ':', ',', '@a.example:', 'x@inst.example', '[', ']']
  fc.assert(
    fc.property(trickyBytes(...words), (bytes) => {
      const text = bytes.toString()
      for (const result of [splitPath(text), splitPath(`<${text}`), parseMailbox(text)]) {
        if (!result.ok) assert.match(result.problem, /^[ -~]{1,100}$/)
      }
      const path = splitPath(`<${text}> A=B`)
      // Whatever is taken for a path is a piece of what stood there.
      if (path.ok) assert.ok(`${text}> A=B`.includes(`${path.value.inner}>`))
    }),
    timeBoxed,
  )
})
