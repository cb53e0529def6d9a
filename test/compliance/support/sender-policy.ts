// What judges senders by the DNS beside a mail server: opendmarc, and policyd-spf, which Postfix starts. Debian's own, unpacked.

import { copyFileSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from '../../interop/support/daemon.ts'
import { program, startFilter, type Filter } from './filters.ts'

/** `lines`: of opendmarc.conf, behind Debian's; `ignored`: those of the file that IgnoreHosts names. */
export async function startOpendmarc(
  prefix: string,
  lines: readonly string[],
  ignored: readonly string[],
): Promise<Filter> {
  return await startFilter(prefix, 'opendmarc', (folder, port) => {
    writeFileSync(join(folder, 'ignored'), `${ignored.join('\n')}\n`)
    const debian = readFileSync(join(prefix, 'etc/opendmarc.conf'), 'utf8')
    const own = [
      `Socket inet:${port}@127.0.0.1`,
      `PidFile ${folder}/data/pid`,
      `PublicSuffixList ${program}/usr/share/publicsuffix/public_suffix_list.dat`,
      'UserID nobody',
      `IgnoreHosts ${folder}/ignored`,
      ...lines,
    ]
    const names = new Set(own.map((line) => line.split(' ', 1)[0]))
    const kept = debian.split('\n').filter((line) => !names.has(line.split(' ', 1)[0]))
    writeFileSync(join(folder, 'opendmarc.conf'), `${[...kept, ...own].join('\n')}\n`)
    return `
      export LD_LIBRARY_PATH=$(echo ${program}/usr/lib/*-linux-gnu)
      exec ${program}/usr/sbin/opendmarc -f -c ${folder}/opendmarc.conf`
  })
}

export interface PolicydSpf extends Disposable {
  /** Of master.cf, as its README.Debian says. The service is `unix:private/policyd-spf`. */
  readonly service: string
}

/** `lines`: instead of those of the same name in Debian's policyd-spf.conf, or further ones. */
export function placePolicydSpf(prefix: string, lines: readonly string[]): PolicydSpf {
  const folder = makeFolder('policyd-spf')
  // A copy of its own: the cache lies in a home folder, where the user it runs as may not be able to look.
  cpSync(join(prefix, 'usr/lib/python3/dist-packages'), join(folder, 'python'), { recursive: true })
  copyFileSync(join(prefix, 'usr/bin/policyd-spf'), join(folder, 'policyd-spf'))
  const debian = readFileSync(
    join(prefix, 'etc/postfix-policyd-spf-python/policyd-spf.conf'),
    'utf8',
  )
  const nameOf = (line: string): string => line.split('=', 1)[0]?.trim() ?? ''
  const names = new Set(lines.map(nameOf))
  const kept = debian.split('\n').filter((line) => !names.has(nameOf(line)))
  const configuration = join(folder, 'policyd-spf.conf')
  writeFileSync(configuration, `${[...kept, ...lines].join('\n')}\n`)
  const command = `/usr/bin/env PYTHONPATH=${folder}/python /usr/bin/python3 ${folder}/policyd-spf`
  return {
    service: `policyd-spf unix - n n - 0 spawn user=nobody argv=${command} ${configuration}`,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}
