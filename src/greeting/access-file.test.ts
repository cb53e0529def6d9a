import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAccessFile, readAccessFile } from './access-file.ts'

test('one network a line, comments and blank lines between', () => {
  const entries = parseAccessFile(
    '# ours\n192.0.2.0/24 deny # since May\r\n\n  2001:db8::/32\tallow\n203.0.113.7 deny',
  )
  assert.deepEqual(
    entries.ok && entries.value.map(({ network, standing }) => [network.text, standing]),
    [
      ['192.0.2.0/24', 'deny'],
      ['2001:db8::/32', 'allow'],
      ['203.0.113.7', 'deny'],
    ],
  )
})

const wrong: readonly (readonly [text: string, problem: RegExp])[] = [
  ['192.0.2.0/24 deny\n192.0.2.0/33 deny', /^line 2: '192\.0\.2\.0\/33': .*at most 32/],
  ['192.0.2.0/24', /^line 1: behind the network stands allow or deny/],
  ['192.0.2.0/24 reject', /allow or deny/],
  ['192.0.2.0/24 deny since May', /nothing else but a # comment/],
  ['192.0.2.0/24 exempt', /allow or deny/],
  ['mail.example deny', /expected an address/],
]

for (const [text, problem] of wrong) {
  test(`refused: ${text.replaceAll('\n', ' ')}`, () => {
    const entries = parseAccessFile(text)
    assert.match(entries.ok ? 'it was taken' : entries.problem, problem)
  })
}

test('a file that is not there, or none', () => {
  for (const file of ['/nowhere/networks', import.meta.dirname]) {
    const entries = readAccessFile(file)
    assert.match(entries.ok ? 'it was taken' : entries.problem, /ENOENT|EISDIR/)
  }
})
