import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeMailbox } from '#smtp/path.ts'
import { contactMailbox } from './contact.ts'

const contacts: readonly (readonly [contact: string, address: string | null])[] = [
  ['anna@inst.example', 'anna@inst.example'],
  ['Anna Muster <anna@Inst.Example>, +49 89 123', 'anna@inst.example'],
  ['Tel. 123 oder anna@inst.example.', 'anna@inst.example'],
  ['anna@inst.example; bert@inst.example', 'anna@inst.example'],
  ['mailto:anna@inst.example', 'anna@inst.example'],
  ['"anna@inst.example"', 'anna@inst.example'],
  ['Mail: anna@m\u00fcnchen.example', 'anna@xn--mnchen-3ya.example'],
  ['', null],
  ['+49 89 123', null],
  ['@inst.example anna@', null],
  // A literal is of no served domain.
  ['anna@[192.0.2.1]', null],
  // Nobody writes so much, and it shall not cost anything.
  [`${'x '.repeat(1000)}anna@inst.example`, null],
]
for (const [contact, address] of contacts) {
  test(`the address in "${contact.slice(0, 50)}" is ${address ?? 'none'}`, () => {
    const mailbox = contactMailbox(contact)
    assert.equal(mailbox === null ? null : encodeMailbox(mailbox), address)
  })
}
