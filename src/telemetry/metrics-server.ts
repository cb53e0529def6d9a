// GET /metrics for Prometheus and GET /healthz for supervisors, on an address that is not the Internet's.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { peerText } from './peer-text.ts'
import { TelemetryOpenError } from './telemetry-open-error.ts'

export type Health =
  | { readonly kind: 'ok' }
  /** `reason` is one line for people. */
  | { readonly kind: 'unavailable'; readonly reason: string }

export interface MetricsServerOptions {
  readonly address: string
  /** 0: any free one. */
  readonly port: number
  readonly exposition: () => string | Promise<string>
  readonly health: () => Health
}

export interface MetricsServer {
  readonly address: string
  readonly port: number
  /** Ends connections and gives the port back. Never rejects. */
  readonly close: () => Promise<void>
}

/** Scrapers are few and quick. Whoever is neither must not cost the relay anything. */
const maxConnectionCount = 32
const timeoutMs = 5000

/** @throws {TelemetryOpenError} (as a rejection) when the port cannot be opened. */
export async function openMetricsServer(options: MetricsServerOptions): Promise<MetricsServer> {
  const server = createServer(
    {
      maxHeaderSize: 8 * 1024,
      headersTimeout: timeoutMs,
      requestTimeout: timeoutMs,
      keepAliveTimeout: timeoutMs,
      connectionsCheckingInterval: 1000,
    },
    (request, response) => void respond(options, request, response),
  )
  server.maxConnections = maxConnectionCount
  server.setTimeout(2 * timeoutMs) // a reader that does not read
  server.on('clientError', (_error, socket) => socket.destroy())
  await listen(server, options)
  // Accepting can fail later (no descriptors left). Without a listener that would end the process.
  server.on('error', () => {})
  return {
    address: options.address,
    port: portOf(server, options.port),
    close: () => close(server),
  }
}

interface Page {
  readonly statusCode: number
  readonly contentType: string
  readonly body: string
}

const plain = 'text/plain; charset=utf-8'

async function respond(
  options: MetricsServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.on('error', () => {})
  const page = await pageOf(options, request)
  response.writeHead(page.statusCode, {
    'content-type': page.contentType,
    'content-length': Buffer.byteLength(page.body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  response.end(request.method === 'HEAD' ? undefined : page.body)
  request.resume()
}

async function pageOf(
  options: MetricsServerOptions,
  { method, url }: IncomingMessage,
): Promise<Page> {
  const path = (url ?? '').split('?', 1)[0]
  const isRead = method === 'GET' || method === 'HEAD'
  try {
    if (isRead && path === '/metrics') return metricsPage(await options.exposition())
    if (isRead && path === '/healthz') return healthPage(options.health())
  } catch {
    return { statusCode: 500, contentType: plain, body: 'internal error\n' }
  }
  return { statusCode: 404, contentType: plain, body: 'not found: try /metrics or /healthz\n' }
}

function metricsPage(body: string): Page {
  return { statusCode: 200, contentType: 'text/plain; version=0.0.4; charset=utf-8', body }
}

function healthPage(health: Health): Page {
  if (health.kind === 'ok') return { statusCode: 200, contentType: plain, body: 'ok\n' }
  return { statusCode: 503, contentType: plain, body: `${peerText(health.reason)}\n` }
}

function listen(server: Server, { address, port }: MetricsServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error) =>
      reject(new TelemetryOpenError(`cannot serve metrics on ${address} port ${port}`, error))
    server.once('error', onError)
    server.listen({ host: address, port }, () => {
      server.off('error', onError)
      resolve()
    })
  })
}

function portOf(server: Server, port: number): number {
  const bound = server.address()
  return bound !== null && typeof bound === 'object' ? bound.port : port
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
