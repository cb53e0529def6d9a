// Is port 25 open over IPv4, from each of our addresses?

import type { Check } from '#compliance/check.ts'
import { judgeConnections } from '#compliance/connections.ts'
import { isIpv6 } from '#compliance/target.ts'
import { text } from '#compliance/text.ts'

export const tcpConnectV4: Check = {
  id: 'tcp-connect-v4',
  title: text('Über IPv4 erreichbar', 'Reachable over IPv4'),
  requirement: text(
    'Der Server nimmt Verbindungen von allen Adressen der Relays an.',
    'The server takes connections from all addresses of the relays.',
  ),
  source: 'service requirement (a)',
  severity: 'must',
  phase: 'connect',
  needs: ['ipv4'],
  run: (context) =>
    judgeConnections(context, (vantage) => !isIpv6(vantage), {
      text: text(
        'Geben Sie in Firewall und Mailserver die Netze der Relays für den Port frei.',
        'Allow the networks of the relays in firewall and mail server.',
      ),
      snippets: ['listen-everywhere', 'firewall'],
    }),
}
