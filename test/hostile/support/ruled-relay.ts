// A relay with mail rules, a zone of its own and an institute that takes everything: what reaches it has
// passed the rules.

import { readFile, writeFile } from 'node:fs/promises'
import { parse, stringify } from 'yaml'
import { startInstituteServer, type InstituteServer } from '../../../demo/institute-server.ts'
import { endpointOf, impatient, openSession, sendMail, until } from '../../e2e/support/mail.ts'
import type { MailToSend, SentMail } from '../../e2e/support/mail.ts'
import { startDnsServer, type DnsServer, type Zone } from '../../support/dns-server.ts'
import { startRelay, type RelayOptions, type TestRelay } from '../../support/relay.ts'

export interface RuledRelay extends AsyncDisposable {
  readonly relay: TestRelay
  readonly institute: InstituteServer
  readonly dns: DnsServer
}

/** Serves `inst.example` and `open.example`. `start`: in place of one process. */
export async function startRuled(
  zone: Zone,
  policy: Readonly<Record<string, unknown>>,
  start: (options: RelayOptions) => Promise<TestRelay> = startRelay,
): Promise<RuledRelay> {
  const institute = await startInstituteServer({ mailboxes: 'all' })
  const dns = await startDnsServer(zone)
  const relay = await start({
    domains: ['inst.example', 'open.example'].map((domain) => ({
      domain,
      to: endpointOf(institute),
    })),
    config: {
      ...impatient,
      postmaster: 'operator@inst.example',
      dns: { servers: [dns.address], timeout: '200ms', attempts: 1 },
      policy,
    },
  })
  return {
    relay,
    institute,
    dns,
    [Symbol.asyncDispose]: async () => {
      await relay[Symbol.asyncDispose]()
      await institute.close()
      await dns.close()
    },
  }
}

/** One mail from that address of loopback, in a session of its own. */
export async function sendFrom(
  { relay }: { readonly relay: { readonly port: number } },
  localAddress: string,
  mail: MailToSend,
): Promise<SentMail> {
  await using client = await openSession(relay, { localAddress })
  const sent = await sendMail(client, mail)
  await client.command('QUIT', 221)
  return sent
}

/** The reply that decided: to the content, else to the first recipient. */
export async function answerTo(
  ruled: { readonly relay: { readonly port: number } },
  localAddress: string,
  mail: MailToSend,
): Promise<string> {
  const { final, recipients, mail: opened } = await sendFrom(ruled, localAddress, mail)
  return final ?? recipients[0] ?? opened
}

/** Has the relay read its configuration again, with other rules. */
export async function changeRules(
  { relay }: RuledRelay,
  policy: Readonly<Record<string, unknown>>,
): Promise<void> {
  const config = parse(await readFile(relay.configFile, 'utf8')) as Readonly<
    Record<string, unknown>
  >
  await writeFile(relay.configFile, stringify({ ...config, policy }))
  await reload(relay)
}

export async function reload(relay: TestRelay): Promise<void> {
  const count = (): number => relay.events('config-reloaded').length
  const before = count()
  relay.signal('SIGHUP')
  await until(() => count() > before)
}
