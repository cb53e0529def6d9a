import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseExceptions, type Exceptions } from '#policy/policy.ts'
import type { ExceptionSubject } from './exceptions.ts'
import type { MailRule } from './judge-origin.ts'

const list = `# large senders
client 192.0.2.0/24
client 2001:db8::/32   greylisting   # only that
client .Outbound.Example
sender  news@Example.org
sender  partner.example
recipient inst.example  greylisting,dynamic-address
recipient abuse@other.example
`

const nobody: ExceptionSubject = {
  clientAddress: '203.0.113.9',
  clientName: null,
  sender: { local: 's', domain: 'sender.example' },
  recipient: { local: 'r', domain: 'served.example' },
}

function parsed(text: string): Exceptions {
  const exceptions = parseExceptions(text)
  return exceptions.ok ? exceptions.value : assert.fail(exceptions.problem)
}

const cases: readonly (readonly [Partial<ExceptionSubject>, MailRule, boolean])[] = [
  [{}, 'greylisting', false],
  [{ clientAddress: '192.0.2.200' }, 'reverse-dns-missing', true],
  [{ clientAddress: '192.0.3.1' }, 'reverse-dns-missing', false],
  [{ clientAddress: '2001:db8:1::1' }, 'greylisting', true],
  [{ clientAddress: '2001:db8:1::1' }, 'dynamic-address', false],
  [{ clientName: 'a.b.outbound.example' }, 'greylisting', true],
  [{ clientName: 'outbound.example' }, 'greylisting', true],
  [{ clientName: 'notoutbound.example' }, 'greylisting', false],
  [{ sender: { local: 'News', domain: 'example.org' } }, 'sender-null-mx', true],
  [{ sender: { local: 'other', domain: 'example.org' } }, 'sender-null-mx', false],
  [{ sender: { local: 'x', domain: 'mail.partner.example' } }, 'greylisting', true],
  [{ sender: null }, 'greylisting', false],
  [{ recipient: { local: 'x', domain: 'inst.example' } }, 'greylisting', true],
  [{ recipient: { local: 'x', domain: 'sub.inst.example' } }, 'dynamic-address', true],
  [{ recipient: { local: 'x', domain: 'inst.example' } }, 'reverse-dns-missing', false],
  [{ recipient: { local: 'abuse', domain: 'other.example' } }, 'reverse-dns-missing', true],
]

for (const [subject, rule, expected] of cases) {
  test(`${rule}, ${JSON.stringify(subject)}: ${expected ? 'excepted' : 'not'}`, () => {
    assert.equal(parsed(list).excepts(rule, { ...nobody, ...subject }), expected)
  })
}

test('names of clients are looked up only for a list that has some', () => {
  assert.ok(parsed(list).needsClientName)
  assert.equal(parsed(list).entryCount, 7)
  assert.ok(!parsed('client 192.0.2.1\nsender example.org').needsClientName)
  assert.equal(parsed('\n# nothing\n').entryCount, 0)
})

const problems: Readonly<Record<string, RegExp>> = {
  'client 192.0.2.1/24': /^line 1: 192\.0\.2\.1\/24: .*first address/,
  '\nhost 192.0.2.1': /^line 2: expected .* not host/,
  client: /^line 1: expected/,
  'client 192.0.2': /^line 1: /,
  'client 192.0.2.0/24 greylist': /no rule is called greylist; there are .*greylisting/,
  'sender a@b@': /^line 1: /,
  'sender -x.example': /^line 1: -x\.example/,
  'recipient inst.example greylisting and more': /^line 1: expected/,
}

for (const [text, wanted] of Object.entries(problems)) {
  test(`refused: ${JSON.stringify(text)}`, () => {
    const result = parseExceptions(text)
    assert.match(result.ok ? 'it was taken' : result.problem, wanted)
  })
}
