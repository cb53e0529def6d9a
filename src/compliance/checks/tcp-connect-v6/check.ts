// An AAAA record promises a server that listens there.

import type { Check } from '#compliance/check.ts'
import { judgeConnections } from '#compliance/connections.ts'
import { isIpv6 } from '#compliance/target.ts'
import { text } from '#compliance/text.ts'

export const tcpConnectV6: Check = {
  id: 'tcp-connect-v6',
  title: text('Über IPv6 erreichbar', 'Reachable over IPv6'),
  requirement: text(
    'Wer einen AAAA-Eintrag hat, nimmt auch über IPv6 Verbindungen an; sonst wartet jede Zustellung.',
    'Who has an AAAA record takes connections over IPv6 too; otherwise each delivery waits.',
  ),
  source: 'RFC 5321 §5.1, §5.2',
  severity: 'must',
  phase: 'connect',
  needs: ['ipv6'],
  run: (context) =>
    judgeConnections(context, isIpv6, {
      text: text(
        'Öffnen Sie den Port auch für IPv6, oder entfernen Sie den AAAA-Eintrag.',
        'Open the port for IPv6 too, or remove the AAAA record.',
      ),
      snippets: ['listen-everywhere', 'firewall'],
    }),
}
