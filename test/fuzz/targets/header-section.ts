// The header section of a mail: the hop count and our forged fields, found as by going line by line.

import assert from 'node:assert/strict'
import { examineHeader, HeaderCollector } from '#message/header-section.ts'
import { packets, type FuzzTarget } from '../target.ts'

const maxBytes = 4096
const isPart = /^(?:[!-9;-~]+[ \t]*:|[ \t])/

/** Lines up to the first that is neither a field nor a continuation; one dot in front is not seen. */
function reference(text: string): { readonly end: number; readonly hops: number } {
  let end = 0
  let hops = 0
  let isFirst = true
  for (const line of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    const seen = line.startsWith('.') ? line.slice(1) : line
    const isMailboxLine = isFirst && line.endsWith('\r\n') && /^>*From [^\r\n]*\r\n$/.test(seen)
    if (!isMailboxLine) {
      // `.:` is a field to whoever does not take the dot away.
      if (!isPart.test(seen) && !isPart.test(line)) break
      isFirst = false
      if (/^received[ \t]*:/i.test(seen)) hops += 1
    }
    end += line.length
  }
  return { end, hops }
}

export const headerSection: FuzzTarget = {
  name: 'header-section',
  words: [
    'Received: from a by b\r\n',
    'received :',
    '.Received:',
    '..',
    'Subject: x\r\n',
    ' folded\r\n',
    '\tx',
    'From ',
    '>From x\r\n',
    'Authentication-Results: relay.example;',
    ' (a(b)\\)) relay.example; spf=pass',
    '"relay.example"',
    '\r\n',
    '\r\n\r\n',
    'no field',
    ':',
    '\xff: x\r\n',
    '\0',
    '\n',
    '\r',
  ],
  check: (bytes, cut) => {
    const { endOffset, hopCount, forgedResults } = examineHeader(bytes, 'relay.example')
    const separator = bytes.indexOf('\r\n\r\n')
    const head = bytes.toString('latin1', 0, separator < 0 ? bytes.length : separator + 2)
    const expected = reference(head)
    assert.deepEqual([endOffset, hopCount], [expected.end, expected.hops])
    let last = 0
    for (const { start, end } of forgedResults) {
      assert.ok(start >= last && end > start && end <= endOffset)
      assert.match(
        bytes.toString('latin1', start, end),
        /^\.?authentication-results[ \t]*:[^]*\r\n$/i,
      )
      last = end
    }
    const collect = (pieces: readonly Buffer[]): string | null => {
      const collector = new HeaderCollector(maxBytes)
      for (const piece of pieces) collector.push(piece)
      const found = collector.head()
      return found === null ? null : JSON.stringify(examineHeader(found, 'relay.example'))
    }
    assert.equal(collect(packets(bytes, cut)), collect([bytes]))
  },
}
