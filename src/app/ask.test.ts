import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { askOn } from './ask.ts'

function setUp(): {
  readonly input: PassThrough
  readonly written: () => string
  readonly stop: AbortController
  readonly ask: (question: string) => Promise<string | null>
} {
  const input = new PassThrough()
  const output = new PassThrough()
  const stop = new AbortController()
  return {
    input,
    written: () => String(output.read() ?? ''),
    stop,
    ask: askOn(input, output, stop.signal),
  }
}

test('a question is written, its answer is one line, and the next question gets the next line', async () => {
  const { input, written, ask } = setUp()
  const first = ask('Reason: ')
  assert.equal(written(), 'Reason: ')
  input.write('moving house\n')
  assert.equal(await first, 'moving house')
  const second = ask('Go on? ')
  input.write('yes\r\n')
  assert.equal(await second, 'yes')
  assert.equal(written(), 'Go on? ')
})

test('the end of the input is no answer', async () => {
  const { input, ask } = setUp()
  const answer = ask('Go on? ')
  input.end()
  assert.equal(await answer, null)
})

test('an interrupted command does not wait for an answer', async () => {
  const { stop, ask } = setUp()
  const answer = ask('Go on? ')
  stop.abort()
  assert.equal(await answer, null)
  assert.equal(await ask('Really? '), null)
})
