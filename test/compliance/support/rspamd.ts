// rspamd as a milter, Debian's own, unpacked. It fetches lists and asks the DNS: start it where it reaches nobody.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { linksTo, program, startFilter, type Filter } from './filters.ts'

/** `localD`: files of /etc/rspamd/local.d by name, such as `settings.conf`. */
export async function startRspamd(
  prefix: string,
  localD: Readonly<Record<string, string>>,
): Promise<Filter> {
  return await startFilter(
    prefix,
    'rspamd',
    (folder, port) => {
      const proxy = `bind_socket = "127.0.0.1:${port}";\n${localD['worker-proxy.inc'] ?? ''}`
      writeFileSync(join(folder, 'domains'), 'com\norg\nexample\n')
      // Thousands of domains made into one pattern take longer than all tests together.
      const options = `url_tld = "${folder}/domains"; disable_hyperscan = true;`
      const files = {
        ...needed,
        'options.inc': options,
        ...localD,
        'worker-proxy.inc': `${selfScanning}\n${proxy}`,
      }
      mkdirSync(join(folder, 'local.d'))
      for (const [name, text] of Object.entries(files)) {
        writeFileSync(join(folder, 'local.d', name), `${text}\n`)
      }
      const own = ['DBDIR', 'RUNDIR', 'LOGDIR'].map((name) => `--var=${name}=${folder}/data`)
      return `
      export LD_LIBRARY_PATH=${program}/usr/lib/rspamd:$(echo ${program}/usr/lib/*-linux-gnu)
      exec ${program}/usr/bin/rspamd -f -u nobody -g nogroup -c ${program}/etc/rspamd/rspamd.conf \\
        --var=CONFDIR=${program}/etc/rspamd --var=LOCAL_CONFDIR=${folder} ${own.join(' ')}`
    },
    linksTo('usr/share'),
  )
}

/** One process does it all, at one port. */
const selfScanning = 'upstream "local" { default = yes; self_scan = yes; }'
const needed: Readonly<Record<string, string>> = {
  'worker-normal.inc': 'enabled = false;',
  'worker-controller.inc': 'enabled = false;',
  'logging.inc': 'type = "console"; level = "notice";',
}
