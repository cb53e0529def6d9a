// A real HTTP server on loopback.

import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { postWebhook, type WebhookOptions } from './webhook.ts'

interface Hook extends AsyncDisposable {
  readonly url: string
  readonly requests: { readonly method: string; readonly path: string; readonly body: string }[]
}

async function startHook(
  answer: (response: ServerResponse, requestCount: number) => void,
): Promise<Hook> {
  const requests: { method: string; path: string; body: string }[] = []
  const server = createServer((request: IncomingMessage, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (piece: string) => (body += piece))
    request.on('end', () => {
      requests.push({ method: request.method ?? '', path: request.url ?? '', body })
      answer(response, requests.length)
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/hook?key=secret`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const times: Omit<WebhookOptions, 'url'> = {
  timeoutMs: 2000,
  pausesMs: [5, 5],
  monotonicMs: () => performance.now(),
}
const never = new AbortController().signal

test('one POST when it is taken', async () => {
  await using hook = await startHook((response) => response.writeHead(204).end())
  const result = await postWebhook('{"kind":"x"}', { url: hook.url, ...times }, never)
  assert.partialDeepStrictEqual(result, { kind: 'sent', attemptCount: 1 })
  const request = { method: 'POST', path: '/hook?key=secret', body: '{"kind":"x"}' }
  assert.deepEqual(hook.requests, [request])
})

test('tried again after a failure', async () => {
  await using hook = await startHook((response, requestCount) =>
    response.writeHead(requestCount < 3 ? 503 : 200).end('x'.repeat(100_000)),
  )
  const result = await postWebhook('{}', { url: hook.url, ...times }, never)
  assert.partialDeepStrictEqual(result, { kind: 'sent', attemptCount: 3 })
})

test('three attempts, then why', async () => {
  await using hook = await startHook((response) => response.writeHead(500).end())
  const result = await postWebhook('{}', { url: hook.url, ...times }, never)
  assert.deepEqual(result, { kind: 'failed', attemptCount: 3, detail: 'HTTP 500' })
  assert.equal(hook.requests.length, 3)
})

test('a redirect is a failure and leads nowhere', async () => {
  await using trap = await startHook((response) => response.writeHead(200).end())
  await using hook = await startHook((response) =>
    response.writeHead(307, { location: trap.url }).end(),
  )
  const result = await postWebhook('{}', { url: hook.url, ...times, pausesMs: [] }, never)
  const detail = 'HTTP 307, and redirects are not followed'
  assert.deepEqual(result, { kind: 'failed', attemptCount: 1, detail })
  assert.equal(trap.requests.length, 0)
})

test('silence has an end, also in the middle of an answer', async () => {
  const silences: readonly ((response: ServerResponse) => void)[] = [
    () => undefined,
    (response) => void response.writeHead(200, { 'content-length': '100' }).write('x'),
  ]
  for (const [index, silence] of silences.entries()) {
    await using hook = await startHook(silence)
    // Whoever waits for an answer that comes has time for it, on a busy machine too.
    const timeoutMs = index === 0 ? 100 : 5000
    const options = { url: hook.url, ...times, timeoutMs, pausesMs: [] }
    const result = await postWebhook('{}', options, never)
    // The body is not read, so an answer that does not end is an answer.
    if (index === 0) {
      const detail = 'no answer within 100 ms'
      assert.deepEqual(result, { kind: 'failed', attemptCount: 1, detail })
    } else {
      assert.equal(result.kind, 'sent')
    }
  }
})

test('nobody there: the reason does not show the URL', async () => {
  const hook = await startHook(() => undefined)
  await hook[Symbol.asyncDispose]()
  const result = await postWebhook('{}', { url: hook.url, ...times }, never)
  assert.deepEqual(result, { kind: 'failed', attemptCount: 3, detail: 'ECONNREFUSED' })
})

test('an end of the relay ends the wait for an answer and for the next attempt', async () => {
  let ending = new AbortController()
  let endedMs = 0
  /** Some time after the hook was asked: until then a busy machine may take what it needs. */
  const endSoon = (): void => {
    setTimeout(() => {
      endedMs = performance.now()
      ending.abort()
    }, 300)
  }
  await using silent = await startHook(endSoon)
  await using failing = await startHook((response) => response.writeHead(500).end(endSoon))
  const details = ['the relay ends', 'HTTP 500']
  for (const [index, hook] of [silent, failing].entries()) {
    ending = new AbortController()
    const options = { url: hook.url, ...times, timeoutMs: 5000, pausesMs: [60_000] }
    const result = await postWebhook('{}', options, ending.signal)
    assert.deepEqual(result, { kind: 'failed', attemptCount: 1, detail: details[index] })
    assert.ok(performance.now() - endedMs < 1500)
  }
})
