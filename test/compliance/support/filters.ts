// What stands beside a Postfix in real life: postgrey, and ClamAV with its milter. Both are Debian's own, unpacked.

import { mkdirSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { freePort, makeFolder, removeFolder, startDaemon } from '../../interop/support/daemon.ts'
import { asRoot } from '../../interop/support/programs.ts'

export interface Filter extends AsyncDisposable {
  readonly port: number
  readonly log: () => string
}

/** Where the unpacked package is, for users who cannot look into the cache folder. */
const program = '/run/program'

/** `whitelist`: lines of /etc/postgrey/whitelist_clients.local. */
export async function startPostgrey(
  prefix: string,
  options: { readonly delaySeconds: number; readonly whitelist?: readonly string[] },
): Promise<Filter> {
  return await startFilter(prefix, 'postgrey', (folder, port) => {
    writeFileSync(join(folder, 'clients'), (options.whitelist ?? []).join('\n'))
    // As Debian's /etc/postgrey/whitelist_recipients has it.
    writeFileSync(join(folder, 'recipients'), 'postmaster@\nabuse@\n')
    return `
      cd ${program}
      exec perl -T -I ${program}/usr/share/perl5 -I $(echo ${program}/usr/lib/*/perl5/*) \\
        ${program}/usr/sbin/postgrey --inet=127.0.0.1:${port} --delay=${options.delaySeconds} \\
        --dbdir=${folder}/data --user=nobody --group=nogroup \\
        --whitelist-clients=${folder}/clients --whitelist-recipients=${folder}/recipients`
  })
}

/** As clamav-milter.conf has it. */
export type OnInfected = 'Reject' | 'Quarantine'

/** Its only signature is that of the test file: nothing is fetched. */
export async function startClamav(prefix: string, onInfected: OnInfected): Promise<Filter> {
  return await startFilter(prefix, 'clamav', (folder, port) => {
    writeFileSync(join(folder, 'data', 'own.ndb'), `Test-File:0:0:${testFileHex()}\n`)
    const socket = `${folder}/data/clamd.sock`
    const common = ['Foreground yes', 'User nobody']
    const clamd = [...common, `DatabaseDirectory ${folder}/data`, `LocalSocket ${socket}`]
    const milter = [
      ...common,
      `MilterSocket inet:${port}@127.0.0.1`,
      `ClamdSocket unix:${socket}`,
      `OnInfected ${onInfected}`,
    ]
    writeFileSync(join(folder, 'clamd.conf'), `${clamd.join('\n')}\n`)
    writeFileSync(join(folder, 'milter.conf'), `${milter.join('\n')}\n`)
    return `
      export LD_LIBRARY_PATH=$(echo ${program}/usr/lib/*-linux-gnu)
      ${program}/usr/sbin/clamd -c ${folder}/clamd.conf &
      while [ ! -S ${socket} ]; do sleep 0.05; done
      exec ${program}/usr/sbin/clamav-milter -c ${folder}/milter.conf`
  })
}

/** Put together here, so that no file of ours holds it whole. */
function testFileHex(): string {
  const parts = [
    'X5O!P%@AP[4\\PZX54(P^)7CC)7}$',
    'EICAR-STANDARD',
    '-ANTIVIRUS-TEST-',
    'FILE!$H+H*',
  ]
  return Buffer.from(parts.join('')).toString('hex')
}

async function startFilter(
  prefix: string,
  name: string,
  scriptOf: (folder: string, port: number) => string,
): Promise<Filter> {
  const folder = makeFolder(name)
  const port = await freePort()
  try {
    mkdirSync(join(folder, 'data'))
    writeFileSync(join(folder, 'start'), scriptOf(folder, port))
    const [chown = '', ...parameters] = asRoot(['chown', 'nobody', join(folder, 'data')])
    execFileSync(chown, parameters)
    const daemon = await startDaemon({
      command: ['sh', '-e', join(folder, 'start')],
      namespace: {
        hostname: 'mail.inst.example',
        prepare: `
          mount -t tmpfs -o mode=755 tmpfs /run
          mkdir ${program}
          mount --bind '${prefix}' ${program}`,
      },
      folder,
      port,
      user: 'root',
      ready: 'listens',
    })
    return {
      port,
      log: daemon.log,
      async [Symbol.asyncDispose](): Promise<void> {
        await daemon[Symbol.asyncDispose]()
        removeFolder(folder)
      },
    }
  } catch (error) {
    removeFolder(folder)
    throw error
  }
}
