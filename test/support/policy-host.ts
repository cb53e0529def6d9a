// A web server for the policies of MTA-STS, on a loopback port, with a certificate of one's choice.

import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { CertificateFiles } from './certificates.ts'

export interface PolicyHost extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly address: string
  /** Host and path of each request, in order. */
  readonly requests: readonly string[]
  /** What the next requests get. */
  answer: {
    readonly status: number
    readonly body: string
    readonly headers?: Readonly<Record<string, string>>
    readonly isSilent?: boolean
  }
}

export async function startPolicyHost(files: CertificateFiles): Promise<PolicyHost> {
  const requests: string[] = []
  const host = {
    address: '',
    requests,
    answer: { status: 404, body: '' } as PolicyHost['answer'],
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  const server = createServer({ cert: files.certificate, key: files.key }, (question, answer) => {
    requests.push(`${question.headers.host}${question.url}`)
    const { status, body, headers, isSilent } = host.answer
    if (isSilent === true) return
    answer.writeHead(status, { 'content-type': 'text/plain', ...headers })
    answer.end(body)
  })
  server.on('clientError', (_error, socket) => socket.destroy())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  host.address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return host
}
