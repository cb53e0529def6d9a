import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WaitingLine } from './waiting-line.ts'

function lineOf(sessions: readonly string[], spool: readonly string[]): WaitingLine<string> {
  const line = new WaitingLine<string>()
  for (const name of spool) line.add(name, 'spool')
  for (const name of sessions) line.add(name, 'session')
  return line
}

function takeAll(line: WaitingLine<string>): readonly (string | undefined)[] {
  return Array.from({ length: line.length }, () => line.takeNext())
}

test('sessions first, each in the order of coming', () => {
  const line = lineOf(['a', 'b'], ['x', 'y'])
  assert.equal(line.length, 4)
  assert.deepEqual(takeAll(line), ['a', 'b', 'x', 'y'])
  assert.equal(line.takeNext(), undefined)
})

test('one turn in eight is the spool\u2019s while sessions wait', () => {
  const sessions = Array.from({ length: 16 }, (_none, index) => `s${index}`)
  const taken = takeAll(lineOf(sessions, ['x', 'y', 'z']))
  assert.deepEqual([taken.indexOf('x'), taken.indexOf('y')], [7, 15])
  assert.equal(taken.at(-1), 'z')
})

test('when there are too many, those of the spool give up first', () => {
  const line = lineOf(['a', 'b'], ['x'])
  assert.deepEqual([line.takeLeast(), line.takeLeast(), line.takeLeast()], ['x', 'a', 'b'])
  assert.equal(line.takeLeast(), undefined)
})

test('whoever goes away is not served', () => {
  const line = lineOf(['a', 'b'], ['x', 'y'])
  assert.equal(line.delete('x'), true)
  assert.equal(line.delete('x'), false)
  assert.equal(line.delete('a'), true)
  assert.deepEqual([line.at(0), line.at(1), line.at(2)], ['b', 'y', undefined])
  assert.deepEqual(takeAll(line), ['b', 'y'])
})
