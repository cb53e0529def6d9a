// Courier with Debian's configuration, changed as each case wants it. All its paths are compiled in: in a mount namespace of
// its own the system's folders are made of links to what was there, with the unpacked package between them.

import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ShownSnippet } from '#compliance/report/remedies.ts'
import { freePort, makeFolder, removeFolder, startDaemon } from '../../interop/support/daemon.ts'
import { domain, mailHost, type RealServer } from './examine.ts'

export interface CourierConfiguration {
  /** Lines behind those of /etc/courier/esmtpd; the last one of a name counts. */
  readonly esmtpd?: readonly string[]
  /** Below /etc/courier; they replace Debian's. Null: removed. `resolv.conf` is that of the system. */
  readonly files?: Readonly<Record<string, string | null>>
}

const etc = '/etc/courier/'
/** A user of this machine who gets no mail: nothing is delivered, since courierd does not run. */
const reader = 'games'
const goodAliases = ['anna', 'postmaster', 'abuse'].map((name) => `${name}: ${reader}\n`).join('')

/** Debian's without `RELAYCLIENT` for loopback: here nobody is trusted. */
const goodFiles: Readonly<Record<string, string>> = {
  me: `${mailHost}\n`,
  defaultdomain: `${domain}\n`,
  locals: `localhost\n${domain}\n`,
  'aliases/system': goodAliases,
  [`esmtpacceptmailfor.dir/${domain}`]: `${domain}\n`,
  'smtpaccess/default': '192.0.2\tallow\n',
}

export async function startExaminedCourier(
  prefix: string,
  { esmtpd = [], files = {} }: CourierConfiguration,
): Promise<RealServer> {
  const folder = makeFolder('courier-examined')
  const port = await freePort()
  for (const [name, text] of Object.entries({ ...goodFiles, ...files })) {
    if (text === null) continue
    const path = join(folder, 'etc', name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
  writeFileSync(join(folder, 'start'), startScript(port, esmtpd))
  try {
    const daemon = await startDaemon({
      command: ['sh', '-e', join(folder, 'start')],
      namespace: { hostname: mailHost, prepare: mounts(prefix, folder) },
      folder,
      port,
      user: 'root',
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

/**
 * As its own script `esmtpd` starts it, but in the foreground, on loopback, and without asking names of clients. It leaves the
 * group of processes that is ended with the test; so the shell, whose end ends all others, stays in front of it.
 */
function startScript(port: number, esmtpd: readonly string[]): string {
  return [
    'set -a',
    `. ${etc}esmtpd`,
    'BOFHCHECKDNS=0',
    'ADDRESS=127.0.0.1',
    ...esmtpd,
    `/usr/sbin/couriertcpd -stderrlogger=/usr/sbin/courierlogger -noidentlookup -nodnslookup \\`,
    `  -user=$MAILUSER -group=$MAILGROUP -address=$ADDRESS $BLACKLISTS -access=${etc}smtpaccess.dat \\`,
    `  -maxprocs=$MAXDAEMONS -maxperc=$MAXPERC -maxperip=$MAXPERIP ${port} /usr/sbin/courieresmtpd &`,
    'wait',
    '',
  ].join('\n')
}

const authentication = `authmodulelist="authpam"
authmodulelistorig="authpam"
daemons=2
authdaemonvar=/run/courier/authdaemon`

function mounts(prefix: string, folder: string): string {
  return `
    mount -t tmpfs -o mode=755 tmpfs /run
    mkdir -p /run/program && mount --bind '${prefix}' /run/program
    for place in usr/lib usr/sbin usr/bin etc; do
      mkdir -p /run/host/$place /run/farm/$place
      mount --bind /$place /run/host/$place
      ln -s /run/host/$place/* /run/farm/$place/
      for path in /run/program/$place/*; do
        name=\${path##*/}
        [ -e /run/farm/$place/$name ] || [ -L /run/farm/$place/$name ] || ln -s $path /run/farm/$place/
      done
    done
    ln -sf /usr/lib/courier/makedat /run/farm/usr/bin/makedat
    rm /run/farm/etc/courier
    cp -r /run/program/etc/courier /run/farm/etc/courier
    cp -r '${folder}/etc/.' /run/farm/etc/courier
    if [ -e '${folder}/etc/resolv.conf' ]; then
      rm -f /run/farm/etc/resolv.conf
      cp '${folder}/etc/resolv.conf' /run/farm/etc/
    fi
    for place in usr/lib usr/sbin usr/bin etc; do mount --bind /run/farm/$place /$place; done
    mount -t tmpfs -o mode=755 tmpfs /var/lib
    for name in allfilters filters msgq msgs track tmp; do
      mkdir -p /var/lib/courier/$name && chown courier:courier /var/lib/courier/$name
    done
    chmod 770 /var/lib/courier/tmp
    mkdir -p /run/courier/authdaemon && chown courier:courier /run/courier /run/courier/authdaemon
    printf '%s\\n' '${authentication}' >/etc/courier/authdaemonrc
    if [ -e /etc/courier/own.pem ]; then chown courier /etc/courier/own.pem; fi
    makealiases
    makeacceptmailfor
    makesmtpaccess
    # As filterctl start does it.
    for path in /etc/courier/filters/active/*; do
      if [ -e "$path" ]; then ln -sf /usr/lib/courier/filters/\${path##*/} "$path"; fi
    done
    courierfilter start
    setsid /usr/lib/courier/courier-authlib/authdaemond &
    while [ ! -S /run/courier/authdaemon/socket ]; do sleep 0.02; done`
}

/** A comment that names a file begins it; where the snippet has none, `where` names the file. */
export function applyToCourier(
  configuration: CourierConfiguration,
  snippets: readonly ShownSnippet[],
): CourierConfiguration {
  return snippets.reduce(applyOne, configuration)
}

const named = /\/etc\/courier\/([\w./-]+)/

function withoutLines(files: Record<string, string | null>, file: string, gone: RegExp): void {
  const lines = (files[file] ?? goodFiles[file] ?? '').split('\n')
  files[file] = lines.filter((line) => !gone.test(line)).join('\n')
}

function applyOne(
  configuration: CourierConfiguration,
  { where, code }: ShownSnippet,
): CourierConfiguration {
  let file = named.exec(where)?.[1]
  const esmtpd = [...(configuration.esmtpd ?? [])]
  const files: Record<string, string | null> = { ...configuration.files }
  const begun = new Set<string>()
  for (const line of code.split('\n')) {
    const cut = /^sed -i '\/(.+)\/d' \/etc\/courier\/(.+)$/.exec(line)
    if (cut !== null) withoutLines(files, cut[2] ?? '', new RegExp(cut[1] ?? ''))
    else if (line.startsWith('rm ')) files[named.exec(line)?.[1] ?? ''] = null
    else if (line.startsWith('#')) file = named.exec(line)?.[1] ?? file
    else if (file === 'esmtpd') {
      // The port is that of the bench.
      if (line !== 'PORT=25') esmtpd.push(line)
    } else if (file !== undefined) {
      if (where.includes('instead of')) {
        withoutLines(files, file, new RegExp(`^${line.split(' ', 1)[0] ?? ''} `))
        begun.add(file)
      }
      // A list keeps what it had; a file that is one value is replaced.
      const present = begun.has(file) || file.includes('/') ? (files[file] ?? goodFiles[file]) : ''
      const added = `${line.replace(': admin', `: ${reader}`)}\n`
      // Two remedies may ask for the same line.
      files[file] = present?.includes(added) === true ? present : `${present ?? ''}${added}`
      begun.add(file)
    } else throw new Error(`the bench does not know the place '${where}'`)
  }
  return { ...configuration, esmtpd, files }
}
