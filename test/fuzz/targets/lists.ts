// Files of lines that people write: networks to allow and deny, and exceptions from the mail rules. Each is taken or
// objected to as a whole, in one clean line that names its own; what was taken is found again.

import assert from 'node:assert/strict'
import { parseAccessFile } from '#greeting/access-file.ts'
import { parseExceptions } from '#policy/policy.ts'
import type { FuzzTarget } from '../target.ts'

// oxlint-disable-next-line no-control-regex -- what must not be left
const cleanProblem = /^(?:line \d+: |more than )[^\u0000-\u001f\u007f-\u009f\u2028\u2029]{1,1000}$/

export const lists: FuzzTarget = {
  name: 'lists',
  words: [
    'client ',
    'sender ',
    'recipient ',
    '192.0.2.0/24 ',
    '192.0.2.1/24 ',
    '2001:db8::/32 ',
    '::ffff:192.0.2.0/120 ',
    'allow',
    'deny',
    'inst.example ',
    '.inst.example ',
    'a@inst.example ',
    '"a b"@inst.example ',
    'greylisting',
    'dynamic-address',
    ',',
    '__proto__',
    '# why',
    '\n',
    '\r\n',
    '\t',
    '\u001b[2J',
    '\u2028',
    '\0',
  ],
  check: (bytes) => {
    const text = bytes.toString('utf8')
    const lineCount = text
      .split('\n')
      .filter((line) => line.replace(/#.*/, '').trim() !== '').length
    const access = parseAccessFile(text)
    if (access.ok) assert.equal(access.value.length, lineCount)
    else assert.match(access.problem, cleanProblem)
    const exceptions = parseExceptions(text)
    if (!exceptions.ok) {
      assert.match(exceptions.problem, cleanProblem)
      return
    }
    assert.equal(exceptions.value.entryCount, lineCount)
    const stranger = { local: 'nobody', domain: 'other.invalid' }
    const subject = {
      clientAddress: '203.0.113.9',
      clientName: null,
      sender: stranger,
      recipient: stranger,
    }
    const isNamed = /other\.invalid|\binvalid\b|203\.0\.113|\/\d\b/.test(text)
    assert.ok(
      isNamed || !exceptions.value.excepts('greylisting', subject),
      'a stranger is excepted',
    )
  },
}
