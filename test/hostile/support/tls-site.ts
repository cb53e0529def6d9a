// A relay, institutes with TLS of all sorts, and what the relay made of a mail to them.

import { startInstituteServer, type InstituteServer } from '../../../demo/institute-server.ts'
import {
  createAuthority,
  type CertificateSubject,
  type TestAuthority,
} from '../../support/certificates.ts'
import { startDnsServer, type DnsServer } from '../../support/dns-server.ts'
import {
  startScriptedServer,
  type Script,
  type ScriptedServer,
} from '../../support/hostile-server.ts'
import { startRelay, type RelayDomain, type TestRelay } from '../../support/relay.ts'
import { impatient, sendOneMail } from '../../e2e/support/mail.ts'

export type Policy = Omit<RelayDomain, 'domain' | 'to'>

export interface TlsSite extends AsyncDisposable {
  readonly authority: TestAuthority
  readonly relay: TestRelay
  /** The last reply the client got: 250 to content, else what stopped the mail. `domain`: its name. */
  readonly send: (domain: string) => Promise<string>
}

/** All of mail.inst.example, which is 127.0.0.1. */
export async function startTlsSite(
  authority: TestAuthority,
  domains: Readonly<Record<string, Policy & { readonly port: number; readonly to?: string }>>,
  records: Parameters<typeof startDnsServer>[0] = {},
  config: Readonly<Record<string, unknown>> = {},
): Promise<TlsSite> {
  const dns: DnsServer = await startDnsServer({
    'mail.inst.example': { a: ['127.0.0.1'] },
    ...records,
  })
  const relay = await startRelay({
    domains: Object.entries(domains).map(([name, { port, to, ...policy }]) => ({
      domain: `${name}.example`,
      to: `${to ?? 'mail.inst.example'}:${port}`,
      ...policy,
    })),
    config: {
      ...impatient,
      handover: { ...impatient.handover, commandTimeout: '500ms', finalTimeout: '5s' },
      dns: { servers: [dns.address], timeout: '500ms', attempts: 1 },
      tls: { ca: authority.ca.certificatePath },
      ...config,
    },
  })
  return {
    authority,
    relay,
    send: async (domain) => {
      const sent = await sendOneMail(relay, { to: `x@${domain}.example` })
      return sent.final ?? sent.recipients[0] ?? ''
    },
    [Symbol.asyncDispose]: async () => {
      await relay[Symbol.asyncDispose]()
      await dns.close()
    },
  }
}

/** An institute that takes everything, with such a certificate. */
export async function withCertificate(
  authority: TestAuthority,
  subject: CertificateSubject,
): Promise<InstituteServer> {
  return await startInstituteServer({ mailboxes: 'all', tls: await authority.issue(subject) })
}

/** Lines in clear that tell of a mail: none may be there. */
export function envelopeLines(server: ScriptedServer): readonly string[] {
  return server.lines.filter((line) => /^(?:MAIL|RCPT|DATA)/i.test(line))
}

export { createAuthority, startScriptedServer, type Script, type ScriptedServer }
