// Postfix as an institute's server whose main.cf is what is examined.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ShownSnippet } from '#compliance/report/remedies.ts'
import { makeFolder } from '../../interop/support/daemon.ts'
import { startPostfix, writeSettled } from '../../interop/support/postfix.ts'
import { prefixOf, type Program, type ProgramName } from '../../interop/support/programs.ts'
import { domain, mailHost, type Bench, type RealServer } from './examine.ts'

export interface PostfixConfiguration {
  /** Lines of main.cf behind those of a good server. A later line replaces an earlier one. */
  readonly mainCf: readonly string[]
  /** Below /etc/postfix. */
  readonly files?: Readonly<Record<string, string>>
  /** Further lines of master.cf. */
  readonly services?: readonly string[]
}

const etc = '/etc/postfix/'
const aliases = ['anna', 'postmaster', 'abuse'].map((name) => `${name} mail\n`).join('')

/** As Debian's installer leaves it, with enough room for large mails; nobody is trusted. */
const goodMainCf: readonly string[] = [
  `myhostname = ${mailHost}`,
  `mydestination = ${domain}`,
  'mynetworks = 127.0.0.99/32',
  'alias_maps = texthash:/etc/postfix/aliases',
  'local_recipient_maps = proxy:unix:passwd.byname $alias_maps',
  'smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination',
  'smtpd_client_connection_count_limit = 50',
  'message_size_limit = 62914560',
  'local_transport = discard:', // test mails are not for the mailboxes of this machine
  'recipient_delimiter = +',
  'disable_vrfy_command = yes',
]

export async function startExaminedPostfix(
  prefix: string,
  { mainCf, files = {}, services = [] }: PostfixConfiguration,
): Promise<RealServer> {
  const folder = makeFolder('postfix-examined')
  const own = `${folder}/files/`
  mkdirSync(own)
  for (const [name, text] of Object.entries({ aliases, ...files })) {
    writeSettled(join(own, name), text)
  }
  const settings = [...goodMainCf, ...mainCf].map((line) => line.replaceAll(etc, own))
  return startPostfix(prefix, folder, settings, { services })
}

/**
 * Follows the comments of a snippet: `# /etc/postfix/x` begins a file, `# main.cf` begins its lines of main.cf, and
 * those that go in front of what is there do so.
 */
export function applyToPostfix(
  configuration: PostfixConfiguration,
  snippets: readonly ShownSnippet[],
): PostfixConfiguration {
  const { mainCf, files } = configuration
  const changedFiles: Record<string, string> = { ...files }
  const added: string[] = []
  for (const { code } of snippets) {
    let file: string | null = null
    for (const line of code.split('\n')) {
      const named = /^# (?:\/etc\/(?:postfix\/)?(\S+)|main\.cf)(?::|$)/.exec(line)
      if (named !== null) {
        file = named[1] ?? null
        if (file !== null)
          changedFiles[file] = file === 'aliases' ? (files?.['aliases'] ?? aliases) : ''
      } else if (file !== null) changedFiles[file] += `${asHere(line)}\n`
      else if (line.startsWith(' ')) added.push(`${added.pop() ?? ''} ${line.trim()}`)
      else if (!line.startsWith('#')) added.push(asHere(line))
    }
  }
  return {
    ...configuration,
    mainCf: [...mainCf, ...added.map((line) => inFront(line, mainCf))],
    files: changedFiles,
  }
}

/** Lists of restrictions keep what the postmaster had in them. */
function inFront(line: string, mainCf: readonly string[]): string {
  const [name = ''] = line.split(' ', 1)
  const isList =
    /^(?:smtpd_(?:client|helo|sender|recipient)_restrictions|virtual_alias_maps)$/.test(name)
  const present = mainCf.findLast((each) => each.startsWith(`${name} = `))
  return isList && present !== undefined ? `${line}, ${present.slice(name.length + 3)}` : line
}

/** The bench opens no port to the network, has a texthash for /etc/aliases, and calls the admin Anna. */
function asHere(line: string): string {
  if (line === 'inet_interfaces = all') return 'inet_interfaces = loopback-only'
  return line.replace(/^(\w+): admin$/, '$1 mail').replace('admin@', 'anna@')
}

/** Postfix on the bench; `skip`: why it cannot be there, or what belongs to it cannot. */
export function postfixBench(
  programs: ReadonlyMap<ProgramName, Program>,
  skip: string | false,
): Bench<PostfixConfiguration> {
  return {
    program: 'Postfix',
    skip,
    start: (configuration) => startExaminedPostfix(prefixOf(programs, 'postfix'), configuration),
    apply: applyToPostfix,
  }
}
