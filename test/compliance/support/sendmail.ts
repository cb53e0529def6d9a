// sendmail as an institute's server whose sendmail.mc, access and aliases are what is examined.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ShownSnippet } from '#compliance/report/remedies.ts'
import { makeFolder } from '../../interop/support/daemon.ts'
import { startSendmail } from '../../interop/support/sendmail.ts'
import { domain, mailHost, type RealServer } from './examine.ts'

export interface SendmailConfiguration {
  /** Lines of sendmail.mc before the mailers. */
  readonly macros?: readonly string[]
  /** Lines of /etc/mail/access. */
  readonly access?: readonly string[]
  readonly aliases?: readonly string[]
  readonly localHostNames?: readonly string[]
  /** Below /etc/mail. */
  readonly files?: Readonly<Record<string, string>>
}

const etc = '/etc/mail/'
const inside = '/run/mail/'
const goodAliases = ['anna: mail', 'postmaster: mail', 'abuse: mail']

export async function startExaminedSendmail(
  prefix: string,
  configuration: SendmailConfiguration,
): Promise<RealServer> {
  const folder = makeFolder('sendmail-examined')
  const files: Readonly<Record<string, string>> = {
    ...configuration.files,
    access: lines(configuration.access ?? []),
    aliases: lines(configuration.aliases ?? goodAliases),
    'local-host-names': lines(configuration.localHostNames ?? [domain]),
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const programs = `${prefix}/usr/libexec/sendmail`
  return startSendmail(prefix, folder, {
    hostname: mailHost,
    macros: (port) => macros(prefix, port, configuration.macros ?? []),
    prepare: `
    umask 077
    cp ${Object.keys(files)
      .map((name) => `'${folder}/${name}'`)
      .join(' ')} ${inside}
    '${programs}/makemap' -C ${inside}sendmail.cf hash ${inside}access <${inside}access
    '${programs}/sendmail' -bi -C ${inside}sendmail.cf >/dev/null
    umask 022`,
  })
}

function lines(text: readonly string[]): string {
  return text.map((line) => `${line}\n`).join('')
}

function macros(prefix: string, port: number, more: readonly string[]): string {
  const defines: Readonly<Record<string, string>> = {
    confDOMAIN_NAME: mailHost,
    QUEUE_DIR: `${inside}queue`,
    confPID_FILE: `${inside}pid`,
    STATUS_FILE: `${inside}statistics`,
    HELP_FILE: '',
    ALIAS_FILE: `${inside}aliases`,
    confCW_FILE: `${inside}local-host-names`,
    confSERVICE_SWITCH_FILE: `${inside}service.switch`,
    confDONT_PROBE_INTERFACES: 'True',
    confTO_IDENT: '0',
    confDEF_USER_ID: 'mail:mail',
    confDELIVERY_MODE: 'queueonly',
    confBAD_RCPT_THROTTLE: '3', // as Debian has it
    // A busy machine is no fault of the configuration: by default it refuses connections from a load of 12 on.
    confREFUSE_LA: '1000',
    confQUEUE_LA: '1000',
  }
  return [
    `define(\`_CF_DIR_', \`${prefix}/usr/share/sendmail/cf/')dnl`,
    `include(\`${prefix}/usr/share/sendmail/cf/m4/cf.m4')dnl`,
    "OSTYPE(`linux')dnl",
    ...Object.entries(defines).map(([name, value]) => `define(\`${name}', \`${value}')dnl`),
    ...['use_cw_file', 'accept_unresolvable_domains', 'nocanonify', 'no_default_msa'].map(
      (name) => `FEATURE(\`${name}')dnl`,
    ),
    `FEATURE(\`access_db', \`hash -T<TMPF> ${inside}access', \`skip')dnl`,
    "FEATURE(`conncontrol', `nodelay', `terminate')dnl",
    "FEATURE(`ratecontrol', `nodelay', `terminate')dnl",
    ...more.map((line) => onLoopback(line, port).replaceAll(/\/etc\/mail\/(?:tls\/)?/g, inside)),
    ...(more.some((line) => line.startsWith('DAEMON_OPTIONS'))
      ? []
      : [`DAEMON_OPTIONS(\`Port=${port}, Addr=127.0.0.1, Name=MTA')dnl`]),
    "MAILER(`local')dnl",
    "MAILER(`smtp')dnl",
    '',
  ].join('\n')
}

/** The bench opens no port to the network. */
function onLoopback(line: string, port: number): string {
  return line
    .replace('Port=smtp', `Port=${port}`)
    .replace('Family=inet,', 'Family=inet, Addr=127.0.0.1,')
    .replace('Family=inet6,', 'Family=inet6, Addr=::1,')
}

/** Each snippet goes where it says. */
export function applyToSendmail(
  configuration: SendmailConfiguration,
  snippets: readonly ShownSnippet[],
): SendmailConfiguration {
  return snippets.reduce(applyOne, configuration)
}

function applyOne(
  configuration: SendmailConfiguration,
  { where, code }: ShownSnippet,
): SendmailConfiguration {
  const added = code.split('\n')
  if (where.startsWith(`${etc}access`)) {
    const keyOf = (line: string): string => line.split('\t', 1)[0] ?? ''
    const lines = added.filter((line) => !line.startsWith('#'))
    const keys = lines.map(keyOf)
    const kept = (configuration.access ?? []).filter((line) => !keys.includes(keyOf(line)))
    return { ...configuration, access: [...kept, ...lines] }
  }
  if (where.startsWith(`${etc}aliases`)) {
    const names = added.map((line) => line.replace(': admin', ': mail'))
    return { ...configuration, aliases: [...(configuration.aliases ?? goodAliases), ...names] }
  }
  if (where.startsWith(`${etc}local-host-names`)) {
    return { ...configuration, localHostNames: [...(configuration.localHostNames ?? []), ...added] }
  }
  if (where.startsWith(`${etc}sendmail.mc`)) {
    // `dnl` before a line takes it out.
    const commented = added.flatMap((line) => /^dnl (define\(`\w+')/.exec(line)?.[1] ?? [])
    const kept = (configuration.macros ?? []).filter(
      (line) => !commented.some((start) => line.startsWith(start)),
    )
    return {
      ...configuration,
      macros: [...kept, ...added.filter((line) => !line.startsWith('dnl '))],
    }
  }
  throw new Error(`the bench does not know the place '${where}'`)
}
