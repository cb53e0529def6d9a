// Haraka, in two ways: smtp_forward (connects after the content, asks for nobody) and smtp_proxy (passes each
// RCPT on). With the settings its package brings, but without look-ups of client names, as all others here.

import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import {
  freePort,
  makeFolder,
  removeFolder,
  startDaemon,
} from '../../test/interop/support/daemon.ts'
import type { Peer, PeerOptions } from './peer.ts'

/** `packageFolder`: where Haraka's package.json is. */
export function haraka(packageFolder: string, way: 'forward' | 'proxy'): Peer {
  const manifest = readFileSync(path.join(packageFolder, 'package.json'), 'utf8')
  const { version } = JSON.parse(manifest) as { readonly version: string }
  const isProxy = way === 'proxy'
  return {
    name: `Haraka, ${way}`,
    version,
    note: isProxy
      ? 'queue/smtp_proxy, each RCPT passed on; 250: the next hop has it'
      : 'queue/smtp_forward, asks for nobody; 250: the next hop has it',
    abilities: new Set(isProxy ? ['verifies', 'sessions'] : ['starttls', 'sessions']),
    maxSessionCount: 5000,
    start: async (options) => {
      const folder = makeFolder('haraka-bench')
      const port = await freePort()
      configure(packageFolder, folder, { ...options, port, plugin: `queue/smtp_${way}` })
      const command = [process.execPath, path.join(packageFolder, 'bin', 'haraka'), '-c', folder]
      const daemon = await startDaemon({ command, folder, port, user: 'root' })
      return {
        port,
        pid: daemon.pid,
        [Symbol.asyncDispose]: async () => {
          await daemon[Symbol.asyncDispose]()
          removeFolder(folder)
        },
      }
    },
  }
}

function configure(
  packageFolder: string,
  folder: string,
  options: PeerOptions & { readonly port: number; readonly plugin: string },
): void {
  const { domain, targetPort, certificate, port, plugin } = options
  for (const name of ['config', 'plugins', 'queue']) mkdirSync(path.join(folder, name))
  const config = (name: string, text: string): void =>
    writeFileSync(path.join(folder, 'config', name), text)
  writeFileSync(path.join(folder, 'package.json'), '{"name":"bench","version":"0.0.0"}\n')
  config('smtp.ini', `listen=127.0.0.1:${port}\n`)
  config('me', `mx.${domain}\n`)
  config('host_list', `${domain}\n`)
  config('plugins', `no_names\ntls\nrcpt_to.in_host_list\n${plugin}\n`)
  const target = `host=127.0.0.1\nport=${targetPort}\n`
  config('smtp_forward.ini', target)
  config('smtp_proxy.ini', target)
  config('connection.ini', connectionSettings(packageFolder))
  copyFileSync(
    path.join(packageFolder, 'config', 'log.ini'),
    path.join(folder, 'config', 'log.ini'),
  )
  copyFileSync(certificate.keyPath, path.join(folder, 'config', 'tls_key.pem'))
  copyFileSync(certificate.certificatePath, path.join(folder, 'config', 'tls_cert.pem'))
  // It would make them at its first start, on a core of its own for a minute.
  const parameters = path.join(folder, 'config', 'dhparams.pem')
  execFileSync('openssl', ['dhparam', '-dsaparam', '-out', parameters, '2048'], { stdio: 'ignore' })
  writeFileSync(
    path.join(folder, 'plugins', 'no_names.js'),
    "exports.hook_lookup_rdns = (next) => next(OK, 'unknown')\n",
  )
}

function connectionSettings(packageFolder: string): string {
  const shipped = readFileSync(path.join(packageFolder, 'config', 'connection.ini'), 'utf8')
  return shipped.replace(/^bytes=.*/m, 'bytes=104857600')
}
