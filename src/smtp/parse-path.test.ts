import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMailbox, splitPath } from './parse-path.ts'

const split: Readonly<Record<string, readonly [inner: string, rest: string]>> = {
  '<>': ['', ''],
  '<a@b.example>': ['a@b.example', ''],
  '  <a@b.example>': ['a@b.example', ''],
  '<a@b.example> SIZE=1': ['a@b.example', ' SIZE=1'],
  '<">"@b.example> X': ['">"@b.example', ' X'],
  '<"\\">"@b.example>': ['"\\">"@b.example', ''],
  '<@r.example:a@b.example>': ['a@b.example', ''],
  '<@r.example,@[192.0.2.1]:a@b.example> X': ['a@b.example', ' X'],
}

for (const [text, [inner, rest]] of Object.entries(split)) {
  test(`splitPath takes ${text}`, () => {
    assert.deepEqual(splitPath(text), { ok: true, value: { inner, rest } })
  })
}

const notPaths: Readonly<Record<string, RegExp>> = {
  '': /angle brackets/,
  'a@b.example': /angle brackets/,
  '<a@b.example': /closing/,
  '<"a>@b.example': /closing/,
  '<a@b.example>SIZE=1': /after the closing/,
  '<a@b.example>>': /after the closing/,
  '<@r.example>': /local@domain/,
  '<@r.example:>': /missing/, // would be the null reverse-path
  '<@r..example:a@b.example>': /source route/,
  '<@r.example,x:a@b.example>': /source route/,
}

for (const [text, problem] of Object.entries(notPaths)) {
  test(`splitPath refuses ${JSON.stringify(text)}`, () => {
    const result = splitPath(text)
    assert.ok(!result.ok)
    assert.match(result.problem, problem)
  })
}

const longest = 'a'.repeat(255)

const mailboxes: Readonly<Record<string, readonly [local: string, domain: string]>> = {
  'a@b.example': ['a', 'b.example'],
  'A.b@B.Example': ['A.b', 'b.example'],
  'a..b@c.example': ['a..b', 'c.example'],
  '.a.@c.example': ['.a.', 'c.example'],
  "!#$%&'*+-/=?^_`{|}~@b.example": ["!#$%&'*+-/=?^_`{|}~", 'b.example'],
  '"a b@c"@d.example': ['"a b@c"', 'd.example'],
  '"\\"\\\\"@d.example': ['"\\"\\\\"', 'd.example'],
  '""@d.example': ['""', 'd.example'],
  'jürgen@münchen.example': ['jürgen', 'xn--mnchen-3ya.example'],
  'a@[192.0.2.1]': ['a', '[192.0.2.1]'],
  'a@[IPv6:2001:DB8::1]': ['a', '[ipv6:2001:db8::1]'],
  [`${longest}@b.example`]: [longest, 'b.example'],
}

for (const [text, [local, domain]] of Object.entries(mailboxes)) {
  test(`parseMailbox takes ${text.slice(0, 40)}`, () => {
    assert.deepEqual(parseMailbox(text), { ok: true, value: { local, domain } })
  })
}

const notMailboxes: readonly string[] = [
  '',
  '@',
  'a',
  'a@',
  '@b.example',
  'a@b@c.example',
  'a b@c.example',
  'a@b c.example',
  'a@-b.example',
  'a@192.0.2.1',
  'a@[]',
  'a@[192.0.2.1',
  'a@[192.0.2.1] ',
  '"a@b.example',
  '"a"b@c.example',
  '"a"b"@c.example',
  '"\u0007"@b.example',
  'a\u0085@b.example',
  '(a)@b.example',
  'a,b@c.example',
  `${longest}a@b.example`,
]

for (const text of notMailboxes) {
  test(`parseMailbox refuses ${JSON.stringify(text).slice(0, 40)}`, () => {
    assert.equal(parseMailbox(text).ok, false)
  })
}
