import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Loans, type Wanted } from './loans.ts'
import { RemoteLoans } from './remote-loans.ts'

const route = 'mail.inst.example:25 tls=none'

function setUp(): { readonly loans: Loans; readonly wanted: Wanted[] } & Disposable {
  const wanted: Wanted[] = []
  const loans = new Loans({ onWanted: (each) => wanted.push(each) })
  return { loans, wanted, [Symbol.dispose]: () => loans.close() }
}

test('as many as there are, then in the order of coming', async () => {
  using setup = setUp()
  const { loans, wanted } = setup
  assert.equal(await loans.borrow('a', route, 2, 1000), true)
  assert.equal(await loans.borrow('a', route, 2, 1000), true)
  assert.deepEqual(wanted, [])
  const order: string[] = []
  const b = loans.borrow('b', route, 2, 5000).then(() => order.push('b'))
  const c = loans.borrow('c', route, 2, 5000).then(() => order.push('c'))
  // One who has two is to give one back to who has none.
  assert.deepEqual(wanted[0], { routeId: route, by: 'b', isTurn: true })
  loans.giveBack('a', route)
  await b
  loans.giveBack('b', route)
  await c
  assert.deepEqual(order, ['b', 'c'])
})

test('who has as many as the others gets one that is idle, not one in use', async () => {
  using setup = setUp()
  const { loans, wanted } = setup
  await loans.borrow('a', route, 2, 1000)
  await loans.borrow('b', route, 2, 1000)
  const more = loans.borrow('a', route, 2, 5000)
  assert.deepEqual(wanted, [{ routeId: route, by: 'a', isTurn: false }])
  loans.giveBack('b', route)
  assert.equal(await more, true)
})

test('nothing in time; the one who came too late is not lent anything later', async () => {
  using setup = setUp()
  const { loans } = setup
  await loans.borrow('a', route, 1, 1000)
  assert.equal(await loans.borrow('b', route, 1, 20), false)
  loans.giveBack('a', route)
  assert.equal(await loans.borrow('c', route, 1, 1000), true)
})

test('a process that is gone gives back what it had, and waits no more', async () => {
  using setup = setUp()
  const { loans } = setup
  await loans.borrow('a', route, 1, 1000)
  const lost = loans.borrow('b', route, 1, 5000)
  const next = loans.borrow('c', route, 1, 5000)
  loans.gone('b')
  assert.equal(await lost, false)
  loans.gone('a')
  assert.equal(await next, true)
})

test('a book that begins anew learns what is lent', async () => {
  using setup = setUp()
  const { loans } = setup
  loans.has('a', route, 1)
  assert.equal(await loans.borrow('b', route, 1, 20), false)
  loans.giveBack('a', route)
  assert.equal(await loans.borrow('b', route, 1, 1000), true)
})

test('while somebody waits it is said again', async () => {
  using setup = setUp()
  const { loans, wanted } = setup
  await loans.borrow('a', route, 1, 1000)
  assert.equal(await loans.borrow('b', route, 1, 1200), false)
  assert.ok(wanted.length >= 2, `${wanted.length} times`)
})

test('what a process says that it has goes before what the book says', async () => {
  using setup = setUp()
  const { loans } = setup
  await loans.borrow('a', route, 1, 1000)
  const next = loans.borrow('b', route, 1, 5000)
  loans.has('a', route, 0) // the yes came too late for it
  assert.equal(await next, true)
})

test('a coordinator that is lost leaves one connection of each server, however many were asked for', async () => {
  const { promise: lost, reject: lose } = Promise.withResolvers<never>()
  const told: unknown[] = []
  const remote = new RemoteLoans({
    isUp: () => true,
    ask: () => lost,
    tell: (_method, value) => void told.push(value),
  })
  const asked = [1, 2, 3].map(() => remote.borrow(route, 4, 1000))
  lose(new Error('the coordinator is gone'))
  assert.equal((await Promise.all(asked)).filter((isLent) => isLent).length, 1)
  assert.deepEqual(told[0], [{ routeId: route, count: 0 }])
})
