// What stands beside a mail server in real life: postgrey, ClamAV and SpamAssassin with their milters. All are Debian's own,
// unpacked.

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
export const program = '/run/program'

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

/** spamd with the rules of its package, asked without any network. */
export async function startSpamd(prefix: string): Promise<Filter> {
  return await startFilter(
    prefix,
    'spamd',
    (folder, port) => `
      cd ${program}
      exec ${spamd(folder, `--listen 127.0.0.1 -p ${port}`)}`,
  )
}

/** spamass-milter with these options, and a spamd of its own. */
export async function startSpamassMilter(prefix: string, options: string): Promise<Filter> {
  return await startFilter(
    prefix,
    'spamass-milter',
    (folder, port) => {
      const socket = `${folder}/data/spamd.sock`
      return `
      cd ${program}
      export LD_LIBRARY_PATH=$(echo ${program}/usr/lib/*-linux-gnu)
      ${spamd(folder, `--socketpath=${socket}`)} &
      until spamc -K -U ${socket}; do sleep 0.1; done # answered when all rules are read
      exec ${program}/usr/sbin/spamass-milter -p inet:${port}@127.0.0.1 ${options} -- -U ${socket}`
    },
    // It looks for spamc nowhere else.
    linksTo('usr/bin'),
  )
}

function spamd(folder: string, listening: string): string {
  return `/usr/bin/perl -T -I ${program}/usr/share/perl5 -I $(echo ${program}/usr/lib/*/perl5/*) \\
        ${program}/usr/sbin/spamd --local --nouser-config --username=nobody --groupname=nogroup \\
        --siteconfigpath=${program}/etc/spamassassin --configpath=${program}/usr/share/spamassassin \\
        --helper-home-dir=${folder}/data --max-children=2 --syslog=stderr ${listening}`
}

/** clamd for a mail server that asks it at its port. Its only signature is that of the test file: nothing is fetched. */
export async function startClamd(prefix: string): Promise<Filter> {
  return await startFilter(prefix, 'clamd', (folder, port) => {
    const command = clamd(folder, [`TCPSocket ${port}`, 'TCPAddr 127.0.0.1'])
    return `
      export LD_LIBRARY_PATH=$(echo ${program}/usr/lib/*-linux-gnu)
      exec ${command}`
  })
}

/** As clamav-milter.conf has it. */
export type OnInfected = 'Reject' | 'Quarantine'

/** clamav-milter, and a clamd of its own. */
export async function startClamav(prefix: string, onInfected: OnInfected): Promise<Filter> {
  return await startFilter(prefix, 'clamav', (folder, port) => {
    const socket = `${folder}/data/clamd.sock`
    const milter = [
      ...clamCommon,
      `MilterSocket inet:${port}@127.0.0.1`,
      `ClamdSocket unix:${socket}`,
      `OnInfected ${onInfected}`,
    ]
    writeFileSync(join(folder, 'milter.conf'), `${milter.join('\n')}\n`)
    return `
      export LD_LIBRARY_PATH=$(echo ${program}/usr/lib/*-linux-gnu)
      ${clamd(folder, [`LocalSocket ${socket}`])} &
      while [ ! -S ${socket} ]; do sleep 0.05; done
      exec ${program}/usr/sbin/clamav-milter -c ${folder}/milter.conf`
  })
}

const clamCommon = ['Foreground yes', 'User nobody']

function clamd(folder: string, listening: readonly string[]): string {
  writeFileSync(join(folder, 'data', 'own.ndb'), `Test-File:0:0:${testFileHex()}\n`)
  const lines = [...clamCommon, `DatabaseDirectory ${folder}/data`, ...listening]
  writeFileSync(join(folder, 'clamd.conf'), `${lines.join('\n')}\n`)
  return `${program}/usr/sbin/clamd -c ${folder}/clamd.conf`
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

/** For `prepare`: what the package has in a folder of the system, as if it were installed there. */
export function linksTo(place: string): string {
  return `
          mkdir -p /run/host/${place} /run/links/${place}
          mount --bind /${place} /run/host/${place}
          ln -s /run/host/${place}/* /run/links/${place}/
          for path in ${program}/${place}/*; do ln -sf $path /run/links/${place}/; done
          mount --bind /run/links/${place} /${place}`
}

export async function startFilter(
  prefix: string,
  name: string,
  scriptOf: (folder: string, port: number) => string,
  prepare = '',
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
          mount --bind '${prefix}' ${program}${prepare}`,
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
