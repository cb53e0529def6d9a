// Tells a webhook: a POST of JSON, a few attempts, every wait bounded. What comes back is not read.

import { setTimeout as sleep } from 'node:timers/promises'
import { cleanLine } from '#base/text.ts'

export interface WebhookOptions {
  readonly url: string
  readonly timeoutMs: number
  /** Before each further attempt. */
  readonly pausesMs: readonly number[]
  readonly monotonicMs: () => number
}

export type WebhookResult =
  | { readonly kind: 'sent'; readonly attemptCount: number; readonly tookMs: number }
  /** `detail` has neither the URL, which may hold a secret, nor anything the server said. */
  | { readonly kind: 'failed'; readonly attemptCount: number; readonly detail: string }

/** Never rejects. */
export async function postWebhook(
  body: string,
  options: WebhookOptions,
  signal: AbortSignal,
): Promise<WebhookResult> {
  const startMs = options.monotonicMs()
  let attemptCount = 0
  for (;;) {
    attemptCount += 1
    const detail = await post(body, options, signal)
    if (detail === null) {
      return { kind: 'sent', attemptCount, tookMs: options.monotonicMs() - startMs }
    }
    const pauseMs = options.pausesMs[attemptCount - 1]
    if (pauseMs === undefined || signal.aborted) return { kind: 'failed', attemptCount, detail }
    await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined)
    if (signal.aborted) return { kind: 'failed', attemptCount, detail }
  }
}

/** Null when it was taken, else why not. */
async function post(
  body: string,
  { url, timeoutMs }: WebhookOptions,
  signal: AbortSignal,
): Promise<string | null> {
  const timeout = AbortSignal.timeout(timeoutMs)
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'Pforte' },
      body,
      // A redirect would carry recipients' addresses to a place nobody wrote down.
      redirect: 'manual',
      signal: AbortSignal.any([signal, timeout]),
    })
    await response.body?.cancel()
    if (response.ok) return null
    const isRedirect = response.status >= 300 && response.status < 400
    return `HTTP ${response.status}${isRedirect ? ', and redirects are not followed' : ''}`
  } catch (error) {
    if (timeout.aborted) return `no answer within ${timeoutMs} ms`
    if (signal.aborted) return 'the relay ends'
    return causeText(error)
  }
}

/** `fetch failed` says nothing; its cause does. */
function causeText(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  if (cause instanceof Error && 'code' in cause) return cleanLine(String(cause.code), 100)
  return cause instanceof Error ? cleanLine(cause.message, 100) : 'failed'
}
