import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { temporaryFolder } from '../../test/support/temporary-folder.ts'
import { catalogue } from './catalogue.ts'
import { isCheap, type FindingKind } from './check.ts'
import { listProfiles, loadProfile, saveProfile, type SavedProfile } from './profile-store.ts'
import {
  afterLook,
  allTold,
  confirmWithinMs,
  isAlarming,
  standingChanges,
  stateAfterSaving,
  stateFor,
  untold,
  type RecheckState,
  type SeenVerdict,
} from './recheck.ts'
import { afterLookAtMs, nextLookAtMs, retryAtMs } from './recheck-schedule.ts'
import { loadRecheck, saveRecheck } from './recheck-store.ts'

const minute = 60_000
const day = 86_400_000
const atMs = Date.UTC(2026, 10, 3)

const saved: SavedProfile = {
  domain: 'inst.example',
  server: 'mail.inst.example:25',
  measuredAtMs: atMs,
  profile: {},
  verdicts: { a: 'met', b: 'violated', c: 'undetermined' },
  asked: null,
}
const fresh = stateFor(saved, null)

function seen(check: string, verdict: FindingKind): SeenVerdict {
  const words = { de: check, en: check }
  return { check, verdict, severity: 'must', title: words, summary: words }
}

/** One look after another: minutes since the profile was saved, and what was seen of `a`. */
function after(
  ...looks: readonly (readonly [minutes: number, verdict: FindingKind])[]
): RecheckState {
  return looks.reduce(
    (state, [minutes, verdict]) => afterLook(state, [seen('a', verdict)], atMs + minutes * minute),
    fresh,
  )
}

describe('saved anew by a run that looked at a few', () => {
  const before: RecheckState = {
    ...afterLook(after([1, 'violated'], [2, 'violated']), [seen('b', 'met')], atMs + 3 * minute),
    nextAtMs: atMs + day,
  }
  const again: SavedProfile = { ...saved, measuredAtMs: atMs + 5 * minute }

  test('what it left out is as it was seen since; what it looked at begins anew', () => {
    const narrow = stateAfterSaving(again, new Set(['b']), before)
    assert.equal(narrow.measuredAtMs, again.measuredAtMs)
    assert.deepEqual(narrow.verdicts, { a: 'violated', b: 'violated', c: 'undetermined' })
    assert.deepEqual(
      standingChanges(again, narrow).map(({ check }) => check),
      ['a'],
    )
    assert.deepEqual([narrow.suspicions, narrow.nextAtMs], [[], before.nextAtMs])
    assert.equal(stateFor(again, narrow), narrow, 'the relay goes on from it')
    const other = stateAfterSaving(again, new Set(['a']), before)
    assert.deepEqual([other.verdicts['a'], other.changes.length], ['met', 0])
    assert.equal(other.suspicions.length, 1)
  })
  test('a whole run, or another server: all begins anew', () => {
    const whole = stateAfterSaving(again, new Set(['a', 'b', 'c']), before)
    assert.deepEqual(whole, stateFor(again, null))
    assert.deepEqual(stateAfterSaving(again, new Set(['b']), null), whole)
  })
})

describe('a change counts when it was seen twice, the second time within an hour', () => {
  for (const [name, state, changeCount, suspicionCount] of [
    ['nothing is otherwise', after([1, 'met'], [2, 'met']), 0, 0],
    ['seen once', after([1, 'violated']), 0, 1],
    ['seen twice', after([1, 'violated'], [21, 'violated']), 1, 0],
    ['good again the second time', after([1, 'violated'], [21, 'met']), 0, 0],
    ['twice, but more than an hour apart', after([1, 'violated'], [62, 'violated']), 0, 1],
    ['flapping', after([1, 'violated'], [2, 'met'], [3, 'violated'], [4, 'met']), 0, 0],
    // A server that is away for a moment is not better than one that was seen violating.
    [
      'undetermined between the two',
      after([1, 'violated'], [2, 'undetermined'], [3, 'violated']),
      1,
      0,
    ],
    ['only undetermined', after([1, 'undetermined'], [2, 'undetermined']), 0, 0],
    ['not applicable any more', after([1, 'not-applicable'], [2, 'not-applicable']), 0, 0],
    ['the clock was set back between the two', after([1, 'violated'], [-9, 'violated']), 0, 1],
  ] as const) {
    test(name, () => {
      assert.equal(state.changes.length, changeCount)
      assert.equal(state.suspicions.length, suspicionCount)
      assert.equal(state.verdicts['a'], changeCount === 1 ? 'violated' : 'met')
    })
  }
  test('there and back is two changes, and then nothing stands otherwise', () => {
    const state = after([1, 'violated'], [2, 'violated'], [3, 'met'], [4, 'met'])
    assert.deepEqual(
      state.changes.map(({ was, verdict }) => [was, verdict]),
      [
        ['met', 'violated'],
        ['violated', 'met'],
      ],
    )
    assert.deepEqual(standingChanges(saved, state), [])
    assert.equal(standingChanges(saved, after([1, 'violated'], [2, 'violated'])).length, 1)
  })
  test('what could not be determined before, and what is better, is a change too', () => {
    const look = [seen('b', 'met'), seen('c', 'violated'), seen('new', 'violated')]
    const state = afterLook(afterLook(fresh, look, atMs), look, atMs + 1)
    assert.deepEqual(
      state.changes.map(({ check }) => check),
      ['b', 'c'],
    )
    assert.deepEqual(
      state.changes.filter(isAlarming).map(({ check }) => check),
      ['c'],
    )
  })
  test('it is told once', () => {
    const state = after([1, 'violated'], [2, 'violated'])
    assert.equal(untold(state).length, 1)
    assert.equal(untold(allTold(state)).length, 0)
  })
  test('a profile that was saved again is a new beginning', () => {
    const state = after([1, 'violated'], [2, 'violated'])
    assert.equal(stateFor(saved, state), state)
    assert.deepEqual(stateFor({ ...saved, measuredAtMs: atMs + 1 }, state).changes, [])
  })
  test('no more changes are kept than people read', () => {
    let state = fresh
    for (let count = 0; count < 300; count += 1) {
      const verdict = count % 4 < 2 ? 'violated' : 'met'
      state = afterLook(state, [seen('a', verdict)], atMs + count)
    }
    assert.equal(state.changes.length, 50)
  })
})

describe('when', () => {
  const times = { everyMs: day, confirmAfterMs: 20 * minute }
  const half = (): number => 0.5
  test('the first look is half a period to one and a half after the examination, at its own time', () => {
    const dues = Array.from({ length: 100 }, (_, index) =>
      nextLookAtMs({ ...fresh, domain: `d${index}.example` }, times, atMs, half),
    )
    assert.ok(dues.every((due) => due >= atMs + day / 2 && due < atMs + 1.5 * day))
    // Spread over the day: no tenth of it is empty, and none has a third of them.
    const tenths = Array.from(
      { length: 10 },
      (_, tenth) =>
        dues.filter((due) => Math.floor(((due - atMs - day / 2) / day) * 10) === tenth).length,
    )
    assert.ok(
      tenths.every((count) => count > 0 && count < 34),
      String(tenths),
    )
    assert.equal(
      dues[7],
      nextLookAtMs({ ...fresh, domain: 'd7.example' }, times, atMs, () => 0.9),
    )
  })
  test('then once a period, a little earlier or later', () => {
    assert.equal(
      afterLookAtMs(fresh, times, atMs, () => 0, false),
      atMs + 0.9 * day,
    )
    assert.equal(afterLookAtMs(fresh, times, atMs, half, false), atMs + day)
  })
  test('a suspicion brings one second look, not a third', () => {
    const suspicious = afterLook(fresh, [seen('a', 'violated')], atMs)
    assert.equal(afterLookAtMs(suspicious, times, atMs, half, false), atMs + 20 * minute)
    assert.equal(afterLookAtMs(suspicious, times, atMs, half, true), atMs + day)
    assert.ok(times.confirmAfterMs < confirmWithinMs)
  })
  test('a clock that jumps: forward one look, backward none that never comes', () => {
    const state = { ...fresh, nextAtMs: atMs + day }
    const yearLaterMs = atMs + 365 * day
    assert.ok(nextLookAtMs(state, times, yearLaterMs, half) <= yearLaterMs)
    assert.ok(afterLookAtMs(state, times, yearLaterMs, half, false) > yearLaterMs + day / 2)
    const yearBeforeMs = atMs - 365 * day
    const due = nextLookAtMs(state, times, yearBeforeMs, half)
    assert.equal(due, yearBeforeMs + day / 2)
    assert.equal(nextLookAtMs({ ...state, nextAtMs: due }, times, yearBeforeMs + 1, half), due)
  })
  test('one that failed is tried again after an hour of a day', () => {
    assert.equal(retryAtMs(times, atMs), atMs + day / 24)
  })
})

describe('the files', () => {
  test('are their owner’s alone, and whole', async () => {
    await using folder = await temporaryFolder()
    const asked = {
      domains: ['inst.example'],
      existing: ['anna@inst.example'],
      unknown: [],
      sources: [],
      helloName: 'relay.example',
      senderDomain: 'relay.example',
      caFile: null,
    }
    await saveProfile(folder.path, { ...saved, asked })
    const state = after([1, 'violated'])
    await saveRecheck(folder.path, 'server', state)
    for (const name of ['profiles', 'rechecks']) {
      assert.equal(statSync(path.join(folder.path, name)).mode & 0o777, 0o700)
      const file = path.join(folder.path, name, 'inst.example.json')
      assert.equal(statSync(file).mode & 0o777, 0o600)
    }
    assert.deepEqual(await loadProfile(folder.path, 'inst.example'), { ...saved, asked })
    assert.deepEqual(await loadRecheck(folder.path, 'server', 'inst.example'), state)
    assert.deepEqual(await listProfiles(folder.path), ['inst.example'])
    const kept = path.join(folder.path, 'rechecks', 'inst.example.json')
    assert.ok(!readFileSync(kept, 'utf8').includes('anna'))
  })
  test('a profile of an older version has nobody to ask for', async () => {
    await using folder = await temporaryFolder()
    const { asked: _asked, ...old } = saved
    mkdirSync(path.join(folder.path, 'profiles'))
    writeFileSync(path.join(folder.path, 'profiles', 'inst.example.json'), JSON.stringify(old))
    assert.equal((await loadProfile(folder.path, 'inst.example'))?.asked, null)
  })
  for (const text of [
    '',
    '{',
    'null',
    '[]',
    '{"domain":"other.example"}',
    '{"domain":"inst.example"}',
  ]) {
    test(`what cannot be understood is not there: ${text}`, async () => {
      await using folder = await temporaryFolder()
      mkdirSync(path.join(folder.path, 'rechecks'))
      writeFileSync(path.join(folder.path, 'rechecks', 'inst.example.json'), text)
      assert.equal(await loadRecheck(folder.path, 'server', 'inst.example'), null)
    })
  }
})

test('cheap is what sends nothing and provokes no limits', () => {
  const cheap = catalogue.filter(isCheap).map(({ id }) => id)
  for (const id of ['tcp-connect-v4', 'rcpt-unknown-rejected', 'tls-expiry', 'no-greylisting']) {
    assert.ok(cheap.includes(id), id)
  }
  for (const id of ['size-real', 'data-clean', 'no-rate-limit-connections', 'session-reuse']) {
    assert.ok(!cheap.includes(id), id)
  }
})
