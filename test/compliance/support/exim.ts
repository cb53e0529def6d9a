// Exim with the configuration that Debian generates for a server on the Internet (`dc_eximconfig_configtype='internet'`),
// put together from the files of exim4-config as update-exim4.conf does it.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ShownSnippet } from '#compliance/report/remedies.ts'
import { makeFolder } from '../../interop/support/daemon.ts'
import { startExim } from '../../interop/support/exim.ts'
import type { SystemUser } from '../../interop/support/programs.ts'
import { domain, mailHost, type RealServer } from './examine.ts'

export interface EximConfiguration {
  /** Lines of exim4.conf.localmacros. */
  readonly macros?: readonly string[]
  /** Lines of the main section, as in a file of conf.d/main. */
  readonly main?: readonly string[]
  /** Statements of acl_check_rcpt before Debian's. */
  readonly acl?: readonly string[]
  /** Below /etc/exim4. */
  readonly files?: Readonly<Record<string, string>>
  /** `dc_other_hostnames`. */
  readonly otherHostnames?: string
  readonly localInterfaces?: string
  readonly aliases?: string
}

const sections = ['main', 'acl', 'router', 'transport', 'retry', 'rewrite', 'auth'] as const
const goodAliases = 'anna: mail\npostmaster: mail\nabuse: mail\n'

export async function startExaminedExim(
  prefixes: { readonly exim: string; readonly configuration: string },
  configuration: EximConfiguration,
): Promise<RealServer> {
  const folder = makeFolder('exim-examined')
  const etc = join(folder, 'etc')
  mkdirSync(etc)
  writeFileSync(join(folder, 'aliases'), configuration.aliases ?? goodAliases)
  for (const [name, text] of Object.entries(configuration.files ?? {})) {
    writeFileSync(join(etc, name), text)
  }
  const text = debianConfig(`${prefixes.configuration}/etc/exim4/conf.d`, configuration)
    .replaceAll('/etc/aliases', join(folder, 'aliases'))
    .replaceAll('/etc/exim4', etc)
    .replace('/usr/sbin/exim4', join(folder, 'exim4'))
  const common = (_: string, port: number, user: SystemUser): string =>
    `${commonConfig(folder, port, user)}${text}`
  return startExim(prefixes.exim, folder, '', { common })
}

/** Only what depends on the bench: everything else is Debian's, or Exim's default. */
function commonConfig(folder: string, port: number, user: SystemUser): string {
  return `
CONFDIR = ${folder}/etc
SPOOLDIR = ${folder}/spool
exim_user = ${user.uid}
exim_group = ${user.gid}
deliver_drop_privilege
log_file_path = ${folder}/log/%slog
pid_file_path = ${folder}/exim.pid
daemon_smtp_ports = ${port}
rfc1413_query_timeout = 0s
DC_minimaldns = 1
queue_only = true
`
}

function debianConfig(folder: string, configuration: EximConfiguration): string {
  const generated = [
    `MAIN_LOCAL_DOMAINS = @ : localhost : ${configuration.otherHostnames ?? domain}`,
    'MAIN_RELAY_TO_DOMAINS =',
    'MAIN_RELAY_NETS = 127.0.0.99',
    `ETC_MAILNAME = ${domain}`,
    `MAIN_HARDCODE_PRIMARY_HOSTNAME = ${mailHost}`,
    'DCconfig_internet = 1',
    `MAIN_LOCAL_INTERFACES = ${configuration.localInterfaces ?? '<; 127.0.0.1'}`,
    'LOCAL_DELIVERY = mail_spool',
  ]
  const macros = withOptions(generated, configuration.macros ?? [])
  const parts = sections.flatMap((section) => [
    ...filesOf(join(folder, section)),
    ...(section === 'main' ? (configuration.main ?? []) : []),
  ])
  return parts
    .join('\n')
    .replace('UPEX4CmacrosUPEX4C = 1', macros.join('\n'))
    .replace(/^acl_check_rcpt:$/m, ['acl_check_rcpt:', ...(configuration.acl ?? [])].join('\n'))
}

function filesOf(folder: string): readonly string[] {
  return readdirSync(folder)
    .toSorted()
    .map((name) => readFileSync(join(folder, name), 'utf8'))
}

/** Each snippet goes where it says. */
export function applyToExim(
  configuration: EximConfiguration,
  snippets: readonly ShownSnippet[],
): EximConfiguration {
  return snippets.reduce(applyOne, configuration)
}

const exceptions = 'host_local_deny_exceptions'

function applyOne(configuration: EximConfiguration, snippet: ShownSnippet): EximConfiguration {
  const { where } = snippet
  const code = snippet.code.split('\n').filter((line) => !line.startsWith('#'))
  const value = (name: string): string =>
    new RegExp(`^${name}='(.*)'$`, 'm').exec(snippet.code)?.[1] ?? ''
  if (where.includes('localmacros')) {
    return { ...configuration, macros: withOptions(configuration.macros ?? [], code) }
  }
  if (where.startsWith('main section')) {
    return { ...configuration, main: withOptions(configuration.main ?? [], code) }
  }
  if (where.startsWith('acl_check_data')) {
    const files = configuration.files ?? {}
    const name = 'data_acl'
    return {
      ...configuration,
      files: { ...files, [name]: `${code.join('\n')}\n${files[name] ?? ''}` },
    }
  }
  if (where.startsWith('acl_check_rcpt')) {
    return { ...configuration, acl: [...code, ...(configuration.acl ?? [])] }
  }
  if (where.includes(exceptions)) {
    const removed = code.flatMap((line) => /^rm \/etc\/exim4\/(.*)/.exec(line)?.[1] ?? [])
    const kept = Object.entries(configuration.files ?? {}).filter(
      ([name]) => !removed.includes(name),
    )
    const lines = code.filter((line) => !line.startsWith('rm ')).join('\n')
    return { ...configuration, files: { ...Object.fromEntries(kept), [exceptions]: `${lines}\n` } }
  }
  if (where.startsWith('/etc/aliases')) {
    const nameOf = (line: string): string => line.split(':', 1)[0] ?? ''
    const names = code.map(nameOf)
    const present = (configuration.aliases ?? goodAliases).split('\n')
    const kept = present.filter((line) => !names.includes(nameOf(line)))
    const added = code.map((line) => line.replace(': admin', ': mail'))
    return { ...configuration, aliases: [...added, ...kept].join('\n') }
  }
  if (snippet.code.startsWith('dc_other_hostnames=')) {
    return { ...configuration, otherHostnames: value('dc_other_hostnames') }
  }
  if (snippet.code.startsWith('dc_local_interfaces=')) {
    // The bench opens no port to the network.
    const everywhere = value('dc_local_interfaces')
    const here = everywhere.replace('0.0.0.0', '127.0.0.1').replace('::0', '::1')
    return { ...configuration, localInterfaces: here }
  }
  throw new Error(`the bench does not know the place '${where}'`)
}

/** Exim does not take an option or a macro twice. */
function withOptions(main: readonly string[], added: readonly string[]): readonly string[] {
  const nameOf = (line: string): string => line.split('=', 1)[0]?.trim() ?? ''
  const names = added.map(nameOf)
  return [...main.filter((line) => !names.includes(nameOf(line))), ...added]
}
