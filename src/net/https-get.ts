// One bounded GET over HTTPS at a given address: the certificate must be for the name, no redirect is followed
// (RFC 8461 §3.3), and what is too long or too slow is a failure.

import { request, type RequestOptions } from 'node:https'

export interface HttpsQuestion {
  readonly address: string
  readonly port: number
  /** In SNI, certificate and Host. */
  readonly name: string
  readonly path: string
  /** PEM; null: those of the system. */
  readonly ca: readonly string[] | null
  readonly maxBytes: number
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

export type HttpsAnswer =
  | {
      readonly kind: 'answer'
      readonly status: number
      /** Not cleaned; '' when there is none. */
      readonly contentType: string
      /** UTF-8; bytes that are none become U+FFFD. */
      readonly body: string
    }
  /** The server's certificate is not to be trusted for that name. */
  | { readonly kind: 'untrusted'; readonly detail: string }
  | { readonly kind: 'failed'; readonly detail: string }

/** Never rejects. */
export function getOverHttps(question: HttpsQuestion): Promise<HttpsAnswer> {
  const { address, port, name, path, ca, maxBytes, timeoutMs } = question
  const signal = AbortSignal.any([question.signal, AbortSignal.timeout(timeoutMs)])
  return new Promise((resolve) => {
    const asked = begin({
      host: address,
      port,
      path,
      servername: name,
      headers: { host: name, 'user-agent': 'Pforte', accept: 'text/plain' },
      minVersion: 'TLSv1.2',
      agent: false,
      signal,
      ...(ca !== null && { ca: [...ca] }),
    })
    if (typeof asked === 'string') {
      resolve({ kind: 'failed', detail: asked })
      return
    }
    const give = (answer: HttpsAnswer): void => {
      resolve(answer)
      asked.destroy()
    }
    asked.on('error', (error) => give(failureOf(error, signal, timeoutMs)))
    asked.on('response', (response) => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        chunks.push(chunk)
        if (size > maxBytes) give({ kind: 'failed', detail: `more than ${maxBytes} bytes` })
      })
      response.on('error', (error) => give(failureOf(error, signal, timeoutMs)))
      response.on('end', () =>
        give({
          kind: 'answer',
          status: response.statusCode ?? 0,
          contentType: response.headers['content-type'] ?? '',
          body: Buffer.concat(chunks).toString('utf8'),
        }),
      )
    })
    asked.end()
  })
}

/** Or what is wrong with the question: a name or path that cannot be written. */
function begin(options: RequestOptions): ReturnType<typeof request> | string {
  try {
    return request(options)
  } catch (error) {
    return String(error)
  }
}

/** OpenSSL's and Node's words for a certificate that is not believed. */
const untrusted = /CERT|SELF_SIGNED|ISSUER|ALTNAME|UNABLE_TO|CRL/

function failureOf(error: Error, signal: AbortSignal, timeoutMs: number): HttpsAnswer {
  if (signal.aborted) return { kind: 'failed', detail: `no answer within ${timeoutMs} ms` }
  const code = 'code' in error ? String(error.code) : ''
  return untrusted.test(code)
    ? { kind: 'untrusted', detail: error.message }
    : { kind: 'failed', detail: code === '' ? error.message : code }
}
