// Replies that are none, at the two places where a wrong reading costs most: the recipient (a wrong 550, or
// a 250 for nobody) and the content (a 250 for a mail that is not there).

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { inParallel } from '../e2e/support/mail.ts'
import type { ScriptedConnection } from '../support/hostile-server.ts'
import { attack, endsAtOnce, honest, openSiege, type Siege } from './support/siege.ts'

const noReply: Readonly<Record<string, string>> = {
  '999': '999 2.0.0 Beyond all codes\r\n',
  '199': '199 Below all codes\r\n',
  '000': '000 Nothing\r\n',
  'four digits': '2500 Ok\r\n',
  'two digits': '25 Ok\r\n',
  letters: 'OK 250\r\n',
  'a sign before the code': '+250 Ok\r\n',
  'a space before the code': ' 250 Ok\r\n',
  'a tab behind the code': '250\tOk\r\n',
  'a letter behind the code': '250Ok\r\n',
  'full-width digits': '\uff12\uff15\uff10 Ok\r\n',
  'a byte order mark': '\ufeff250 Ok\r\n',
  'an empty line before it': '\r\n250 Ok\r\n',
  'CR alone': '250 Ok\r250 Ok\r\n',
  'LF CR': '250 Ok\n\r',
  'NUL in it': '250 Ok\0\r\n',
  'a continuation with letters': '250-Ok\r\nand so on\r\n250 Ok\r\n',
  'three codes in one reply': '250-Ok\r\n451-Later\r\n550 No\r\n',
  'a status line of HTTP': 'HTTP/1.1 250 Ok\r\n\r\n',
  'UTF-16': Buffer.from('250 Ok\r\n', 'utf16le').toString('latin1'),
}
const names = Object.keys(noReply)

let siege: Siege

before(async () => {
  siege = await openSiege(names.length)
})
after(() => siege[Symbol.asyncDispose]())

test('malformed replies', { concurrency: true }, async (t) => {
  await inParallel(names, 8, (name, index) =>
    t.test(name, async () => {
      const bytes = Buffer.from(noReply[name] ?? '', name === 'UTF-16' ? 'latin1' : 'utf8')
      const say = (connection: ScriptedConnection): Promise<void> => connection.send(bytes)
      // The odd ones to RCPT, the even ones to the content, then the other way round.
      const atContent = honest({ final: say })
      const atRecipient = honest({ rcpt: say })
      const first = await attack(siege, index, atContent, `content ${index} a\r\n`)
      assert.match(first.handed, /^451 4\.4\.1 /)
      assert.match(first.asked, /^451 4\.4\.1 /)
      const second = await attack(siege, index, atRecipient, `content ${index} b\r\n`)
      assert.match(second.handed, /^250 .*taken over/)
      // Asked for and taken by the attacks before: known good by now.
      assert.match(second.asked, /^250 .*taken over/)
    }),
  )
})

test('nothing is left behind', () => endsAtOnce(siege))
