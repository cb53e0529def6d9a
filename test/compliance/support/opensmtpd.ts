// OpenSMTPD as an institute's server whose smtpd.conf is what is examined.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ShownSnippet } from '#compliance/report/remedies.ts'
import { makeFolder } from '../../interop/support/daemon.ts'
import { startOpenSmtpd } from '../../interop/support/opensmtpd.ts'
import { domain, mailHost, type RealServer } from './examine.ts'

export interface OpenSmtpdConfiguration {
  /** Lines before the listeners and actions, such as `smtp max-message-size 60M`. */
  readonly limits?: readonly string[]
  /** Behind `listen on ADDRESS port PORT`, such as `tls pki mail`. */
  readonly listen?: string
  readonly addresses?: readonly string[]
  /** Names in /etc/aliases. */
  readonly aliases?: readonly string[]
  /** `match` lines and what they need; default: recipients of a list only. */
  readonly matches?: readonly string[]
  /** In the folder of the bench, which is `/etc/ssl` in a configuration. */
  readonly files?: Readonly<Record<string, string>>
}

const names = ['anna', 'postmaster', 'abuse']
export const goodMatch: string = `match from any for domain "${domain}" rcpt-to <recipients> action "local"`

export async function startExaminedOpenSmtpd(
  prefix: string,
  configuration: OpenSmtpdConfiguration,
): Promise<RealServer> {
  const folder = makeFolder('opensmtpd-examined')
  for (const [name, text] of Object.entries(configuration.files ?? {})) {
    writeFileSync(join(folder, name), text, { mode: 0o600 })
  }
  const here = (line: string): string => line.replace(/\/etc\/ssl\/(?:private\/)?/g, `${folder}/`)
  const rules = [
    `table aliases { ${(configuration.aliases ?? names).map((name) => `"${name}" = "mail"`).join(', ')} }`,
    `table recipients { ${names.map((name) => `"${name}@${domain}"`).join(', ')} }`,
    'action "local" mda "/bin/cat >/dev/null" alias <aliases>',
    ...(configuration.matches ?? [goodMatch]),
  ]
  const listen = (port: number): readonly string[] => [
    ...(configuration.limits ?? []),
    ...(configuration.addresses ?? ['127.0.0.1']).map(
      (address) =>
        `listen on ${address} port ${port} ${configuration.listen ?? ''} hostname ${mailHost}`,
    ),
  ]
  return startOpenSmtpd(prefix, folder, mailHost, rules, (port) => listen(port).map(here))
}

/** Lines of a snippet replace those of their kind (listeners, matches, limits), or go before them where it says so. */
export function applyToOpenSmtpd(
  configuration: OpenSmtpdConfiguration,
  snippets: readonly ShownSnippet[],
): OpenSmtpdConfiguration {
  const lines = snippets
    .flatMap(({ code }) => code.split('\n'))
    .filter((line) => !line.startsWith('#'))
  const listeners = lines.flatMap((line) => /^listen on (\S+)(?: (.*))?$/.exec(line) ?? []).length
  const aliases = lines.flatMap((line) => /^(\w+): admin$/.exec(line)?.[1] ?? [])
  const isBefore = snippets.some(({ where }) => where.includes('before the other match lines'))
  const matches = [
    ...lines.filter((line) => /^(?:match|table) /.test(line)),
    ...(isBefore ? (configuration.matches ?? [goodMatch]) : []),
  ]
  const limits = lines.filter((line) => /^(?:smtp|pki) /.test(line))
  const changed = {
    ...configuration,
    limits: [...(configuration.limits ?? []), ...limits],
    ...(matches.length > 0 && { matches }),
    ...(aliases.length > 0 && { aliases: [...(configuration.aliases ?? names), ...aliases] }),
  }
  return listeners === 0 ? changed : { ...changed, ...listening(lines) }
}

/** The bench opens no port to the network. */
function listening(lines: readonly string[]): Pick<OpenSmtpdConfiguration, 'addresses' | 'listen'> {
  const found = lines.flatMap((line) => {
    const [, address = '', more = ''] = /^listen on (\S+)(?: (.*))?$/.exec(line) ?? []
    return address === '' ? [] : [{ address, more }]
  })
  const addresses = found.map(({ address }) => (address.includes(':') ? '::1' : '127.0.0.1'))
  return { addresses: [...new Set(addresses)], listen: found[0]?.more ?? '' }
}
