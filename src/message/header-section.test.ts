import assert from 'node:assert/strict'
import { test } from 'node:test'
import { examineHeader, HeaderCollector } from './header-section.ts'

const hostname = 'relay.example.org'

function wire(lines: readonly string[]): Buffer {
  return Buffer.from(lines.map((line) => `${line}\r\n`).join(''), 'latin1')
}

/** What is left of the content when the forged results are cut out. */
function withoutForged(content: Buffer): string {
  let text = ''
  let from = 0
  for (const { start, end } of examineHeader(content, hostname).forgedResults) {
    text += content.toString('latin1', from, start)
    from = end
  }
  return text + content.toString('latin1', from)
}

const forged: Readonly<Record<string, readonly string[]>> = {
  plain: ['Authentication-Results: relay.example.org; spf=pass'],
  'in upper case': ['AUTHENTICATION-RESULTS: RELAY.Example.ORG; spf=pass'],
  'with nothing behind the id': ['Authentication-Results: relay.example.org'],
  'without a space': ['Authentication-Results:relay.example.org;none'],
  'with space before the colon': ['Authentication-Results \t: relay.example.org; none'],
  'with a version': ['Authentication-Results: relay.example.org 1; none'],
  'folded behind the colon': ['Authentication-Results:', ' relay.example.org; spf=pass'],
  'folded with a tab, several lines': [
    'Authentication-Results: relay.example.org;',
    '\tspf=pass smtp.mailfrom=x@bank.example;',
    '\tdkim=pass header.d=bank.example',
  ],
  'with a line of white space in it': ['Authentication-Results:', '  ', ' relay.example.org; none'],
  'with a comment before the id': ['Authentication-Results: (hello) relay.example.org; none'],
  'with a nested comment before the id': ['Authentication-Results: (a (b) c) relay.example.org; x'],
  'with an escaped bracket in the comment': [
    'Authentication-Results: (\\)\\() relay.example.org; x',
  ],
  'with a comment over two lines': ['Authentication-Results: (a', ' b) relay.example.org; none'],
  'with a comment behind the id': ['Authentication-Results: relay.example.org(a); none'],
  'with a quoted id': ['Authentication-Results: "relay.example.org"; none'],
  'with a quoted and escaped id': ['Authentication-Results: "relay\\.example.org"; none'],
  // RFC 5321 §4.5.2: whoever takes the dots off sees the field without it.
  'behind a dot that is taken off later': ['.Authentication-Results: relay.example.org; none'],
  'folded with a dot that is taken off later': [
    'Authentication-Results:',
    '. relay.example.org; none',
  ],
}

for (const [name, lines] of Object.entries(forged)) {
  test(`forged results ${name} are cut out, all of them and nothing else`, () => {
    const before = ['Received: from a by b; date', 'Subject: x']
    const after = ['From: a@b.example', '', 'body']
    const content = wire([...before, ...lines, ...after])
    assert.equal(withoutForged(content), wire([...before, ...after]).toString('latin1'))
    const asFirst = wire([...lines, ...after])
    assert.equal(withoutForged(asFirst), wire(after).toString('latin1'))
    const asLast = wire([...before, ...lines, '', 'body'])
    assert.equal(withoutForged(asLast), wire([...before, '', 'body']).toString('latin1'))
  })
}

test('several forged fields are cut out, ascending', () => {
  const field = 'Authentication-Results: relay.example.org; spf=pass'
  const content = wire([field, field, 'Subject: x', field, ' more', '', 'body'])
  assert.equal(withoutForged(content), 'Subject: x\r\n\r\nbody\r\n')
})

const kept: Readonly<Record<string, readonly string[]>> = {
  'results of another server': ['Authentication-Results: mx.example.net; spf=pass'],
  'a longer name': ['Authentication-Results: relay.example.org.evil.example; spf=pass'],
  'a name of which ours is the end': ['Authentication-Results: other.relay.example.org; none'],
  'our name elsewhere in the field': [
    'Authentication-Results: mx.example.net; x=relay.example.org',
  ],
  'our name in a comment': ['Authentication-Results: (relay.example.org) mx.example.net; none'],
  'no id at all': ['Authentication-Results: ; none'],
  'a comment without end': ['Authentication-Results: (relay.example.org; none'],
  // ARC sets are signed; the next hop decides whom it trusts (RFC 8617 §4.1.1).
  'an ARC field': ['ARC-Authentication-Results: i=1; relay.example.org; spf=pass'],
  'a field with a longer name': ['Authentication-Results-Old: relay.example.org; none'],
  'a subject about it': ['Subject: Authentication-Results: relay.example.org; none'],
  'a folded line that looks like it': ['Subject: a', ' Authentication-Results: relay.example.org'],
}

for (const [name, lines] of Object.entries(kept)) {
  test(`${name} stays`, () => {
    const content = wire([...lines, 'From: a@b.example', '', 'body'])
    assert.equal(withoutForged(content), content.toString('latin1'))
  })
}

test('results in the body stay', () => {
  const content = wire(['Subject: x', '', 'Authentication-Results: relay.example.org; spf=pass'])
  assert.equal(withoutForged(content), content.toString('latin1'))
})

const hops: readonly (readonly [string, readonly string[], number])[] = [
  ['none', ['Subject: x', '', 'body'], 0],
  ['three', ['Received: a', 'Received: b', '\tby c', 'X: y', 'Received: c', '', 'body'], 3],
  ['any case, space before the colon', ['RECEIVED: a', 'received \t: b', '', 'body'], 2],
  ['a longer or shorter name', ['Received-SPF: pass', 'X-Received: a', 'Receive: b', ''], 0],
  ['a folded line that looks like it', ['Subject: a', ' Received: b', '', ''], 0],
  ['the body', ['Received: a', '', 'Received: b', 'Received: c'], 1],
  ['no blank line: the first odd line ends it', ['Received: a', 'Hello', 'Received: b'], 1],
  ['no header section at all', ['Hello there,', 'Received: a'], 0],
  ['a blank line first', ['', 'Received: a', '', 'Received: b'], 0],
  ['fields only', ['Received: a', 'Received: b'], 2],
  ['a dot that is taken off later', ['.Received: a', '..Received: b', 'Received: c', ''], 2],
  ['a folded line behind a dot', ['Received: a', '. b', 'Received: c', '', ''], 2],
  ['a mailbox file line first', ['From a@b Mon Jan 1', 'Received: a', 'Received: b', ''], 2],
  ['a mailbox file line later', ['Received: a', 'From a@b Mon Jan 1', 'Received: b', ''], 1],
  ['eight-bit text', ['Subject: Gr\u00fc\u00dfe', 'Received: a', ''], 1],
]

for (const [name, lines, count] of hops) {
  test(`hop count: ${name}`, () => {
    assert.equal(examineHeader(wire(lines), hostname).hopCount, count)
    const asContent = Buffer.concat([wire(lines), Buffer.from('.\r\n')])
    assert.equal(examineHeader(asContent, hostname).hopCount, count)
  })
}

test('the end of the header section is the first byte that is not of it', () => {
  const end = (lines: readonly string[]): number => examineHeader(wire(lines), hostname).endOffset
  assert.equal(end(['A: b', '', 'body']), 6)
  assert.equal(end(['A: b', ' c', 'no field', 'x']), 10)
  assert.equal(end(['', 'body']), 0)
  assert.equal(end(['body']), 0)
  assert.equal(end(['A: b']), 6)
  assert.equal(end([]), 0)
  assert.equal(examineHeader(Buffer.from('A: b\r\n.\r\n'), hostname).endOffset, 6)
})

function collect(content: Buffer, maxBytes: number, chunkBytes: number): HeaderCollector {
  const collector = new HeaderCollector(maxBytes)
  for (let start = 0; start < content.length; start += chunkBytes) {
    collector.push(content.subarray(start, start + chunkBytes))
  }
  return collector
}

for (const chunkBytes of [1, 2, 3, 5, 7, 1000]) {
  test(`the collector in chunks of ${chunkBytes} bytes keeps the header section, not the body`, () => {
    const content = Buffer.concat([wire(['A: b', 'C: d', '']), Buffer.alloc(5000, 'x')])
    const collector = collect(content, 2000, chunkBytes)
    assert.ok(collector.isComplete)
    const head = collector.head()
    assert.ok(head !== null && head.length < 14 + 1000)
    assert.equal(examineHeader(head, hostname).endOffset, 12)
  })

  test(`the limit in chunks of ${chunkBytes} bytes is the same limit`, () => {
    const section = wire(['A: b', `C: ${'d'.repeat(89)}`, '']) // 102 bytes
    const content = Buffer.concat([section, Buffer.alloc(200, 'x')])
    assert.equal(collect(content, section.length - 1, chunkBytes).head(), null)
    assert.notEqual(collect(content, section.length, chunkBytes).head(), null)
  })

  test(`without a blank line, in chunks of ${chunkBytes} bytes, the first odd line ends it`, () => {
    const body = wire(['A: b', ...Array.from({ length: 100 }, () => 'QUJDRA=='.repeat(9))])
    const head = collect(body, 1000, chunkBytes).head()
    assert.ok(head !== null)
    assert.equal(examineHeader(head, hostname).endOffset, 6)
    const noHeader = Buffer.concat([Buffer.from('\r\n'), body])
    assert.notEqual(collect(noHeader, 1000, chunkBytes).head(), null)
  })
}

test('a header section without end is too large, one with a cut last line too', () => {
  assert.equal(collect(wire(Array.from({ length: 100 }, () => 'A: b')), 100, 9).head(), null)
  assert.equal(collect(wire(['A: b', 'Received'.repeat(50) + ': x', '']), 100, 9).head(), null)
  const endlessField = wire([`Subject: ${'x'.repeat(200)}`, 'Received: by x', '', 'body'])
  assert.equal(collect(endlessField, 100, 9).head(), null)
  assert.notEqual(collect(endlessField, 1000, 9).head(), null)
})

test('a header section of many folded lines is no trouble', () => {
  const field = ['Authentication-Results:', ...Array.from({ length: 60_000 }, () => ' a')]
  const startMs = performance.now()
  const findings = examineHeader(wire([...field, '', 'x']), hostname)
  assert.equal(findings.forgedResults.length, 0)
  assert.ok(performance.now() - startMs < 1000)
})
