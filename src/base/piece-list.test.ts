import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PieceList } from './piece-list.ts'

test('pieces stay what and where they were', () => {
  const list = new PieceList()
  let text = ''
  for (let number = 0; number < 5000; number += 1) {
    const piece = number % 97 === 0 ? 'x'.repeat(3000) : String(number)
    list.push(Buffer.from(piece))
    text += piece
  }
  assert.equal(Buffer.concat([...list.all]).toString(), text)
})

test('large pieces are not copied', () => {
  const list = new PieceList()
  const pieces = Array.from({ length: 100 }, () => Buffer.alloc(4096))
  for (const piece of pieces) list.push(piece)
  assert.ok(list.all.every((piece, index) => piece === pieces[index]))
})

test('100,000 single bytes make few pieces', () => {
  const list = new PieceList()
  for (let count = 0; count < 100_000; count += 1) list.push(Buffer.from('x'))
  assert.ok(list.all.length < 200, `${list.all.length} pieces`)
})
