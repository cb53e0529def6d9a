import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type { Config } from '#config/config.ts'
import { loadConfig } from '#config/load-config.ts'
import { coordinatorConfig, coordinatorShare, workerConfig, workerShare } from './shares.ts'

function configWith(handover: number, delivery: number, questions: number): Config {
  const folder = mkdtempSync(path.join(tmpdir(), 'pforte-test-'))
  const file = path.join(folder, 'pforte.yaml')
  writeFileSync(
    file,
    `hostname: relay.example
listen: [{ address: 127.0.0.1, port: 25 }]
state: ./state
handover: { maxConnections: ${handover} }
delivery: { maxConnections: ${delivery} }
verification: { maxConnections: ${questions} }
`,
  )
  const loaded = loadConfig({ file, environment: {} })
  rmSync(folder, { recursive: true })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problem))
  return loaded.value.config
}

// handover, delivery, verification, workers → of a worker: handover, verification; of the coordinator.
const cases: readonly (readonly [string, readonly number[], readonly [number, number, number]])[] =
  [
    ['the defaults, two workers', [20, 5, 4, 2], [7, 2, 5]],
    ['one worker has all but what delivery needs', [20, 5, 4, 1], [15, 4, 5]],
    ['more workers than connections: one each', [4, 2, 2, 8], [1, 1, 2]],
    ['delivery may have all of them: workers still have one each', [3, 3, 1, 2], [1, 1, 3]],
  ]

for (const [name, [handover = 0, delivery = 0, questions = 0, count = 0], wanted] of cases) {
  test(name, () => {
    const config = configWith(handover, delivery, questions)
    const worker = workerConfig(config, count)
    const coordinator = coordinatorConfig(config)
    assert.deepEqual(
      [
        worker.handover.maxConnectionCount,
        worker.verification.maxConnectionCount,
        coordinator.handover.maxConnectionCount,
      ],
      wanted,
    )
  })
}

// What a server takes, workers → of the coordinator, of each worker. As much as is taken, never more.
for (const [connectionCount, workerCount, wanted] of [
  [20, 4, [4, 4]],
  [5, 2, [1, 2]],
  [3, 2, [1, 1]],
  [7, 1, [3, 4]],
] as const) {
  test(`${connectionCount} connections, ${workerCount} workers: no more together`, () => {
    const coordinator = coordinatorShare(connectionCount, workerCount)
    const worker = workerShare(connectionCount, workerCount)
    assert.deepEqual([coordinator, worker], wanted)
    assert.ok((coordinator ?? 0) + workerCount * (worker ?? 0) <= connectionCount)
  })
}

test('fewer connections than processes: they are lent', () => {
  assert.deepEqual([coordinatorShare(2, 4), workerShare(2, 4)], [null, null])
})
