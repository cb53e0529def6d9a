// The DNS part of the examination, and what to write into the zone, in which order.

import type { Clock } from '#base/clock.ts'
import type { Check } from '#compliance/check.ts'
import type { Outcome, Report } from '#compliance/compliance.ts'
import type { Language, Text } from '#compliance/text.ts'
import { text } from '#compliance/text.ts'
import { cleaned, type DnsCheck } from './dns-check.ts'
import { hintChecks } from './hint-checks.ts'
import { mtaStsCheck } from './mta-sts-check.ts'
import { mxChecks } from './mx-checks.ts'
import { nameServerChecks } from './name-server-checks.ts'
import { ownMxChecks } from './own-mx-checks.ts'
import { spfChecks } from './spf-checks.ts'
import { zoneChecks } from './zone-checks.ts'
import { gatherZoneFacts, type ZoneRequest } from './zone-facts.ts'

export type { ZoneRequest } from './zone-facts.ts'
export { disagreementSince } from './name-server-checks.ts'

export const dnsCatalogue: readonly DnsCheck[] = [
  ...mxChecks,
  ...nameServerChecks,
  ...ownMxChecks,
  ...zoneChecks,
  mtaStsCheck,
  ...spfChecks,
  ...hintChecks,
]

/** Asks the DNS; contacts others only as `ZoneRequest` says, and relays with verified TLSA records. */
export async function checkDomain(
  request: ZoneRequest,
  clock: Clock,
  signal: AbortSignal,
): Promise<Report> {
  const startedAtMs = clock.now()
  const startMs = clock.monotonicMs()
  const facts = await gatherZoneFacts(request, startedAtMs, signal)
  const { address, port } = request.resolver
  return {
    target: {
      host: request.domain,
      port,
      domains: [request.domain],
      existing: [],
      unknown: [],
      sources: [],
      addresses: [address],
      vantages: [{ source: null, address }],
      random: ['', '', ''],
    },
    startedAtMs,
    ms: clock.monotonicMs() - startMs,
    isComplete: !signal.aborted,
    outcomes: dnsCatalogue.map((check): Outcome => ({
      check: asCheck(check),
      finding: cleaned(check.judge(facts)),
      ms: 0,
    })),
    transcripts: [],
    recognition: { mta: null, by: null },
    profile: {},
  }
}

function asCheck({ judge: _judge, ...check }: DnsCheck): Check {
  const run = (): never => {
    throw new Error('a DNS check is judged from facts')
  }
  return { ...check, phase: 'connect', needs: [], run }
}

/** The lines to paste. */
export function zoneLines({
  domain,
  relays,
}: Pick<ZoneRequest, 'domain' | 'relays'>): readonly string[] {
  return relays.map((relay) => `${domain}. 86400 IN MX 10 ${relay}.`)
}

interface Step {
  readonly text: Text
  /** What to type; the same in both languages. */
  readonly command?: (request: Pick<ZoneRequest, 'domain' | 'relays'>) => string
}

const steps: readonly Step[] = [
  {
    text: text(
      'TTL der alten MX-Einträge auf 300 s senken und die alte TTL abwarten.',
      'Lower the TTL of the old MX records to 300 s and wait for the old TTL.',
    ),
    command: ({ domain }) => `dig +noall +answer MX ${domain}`,
  },
  {
    text: text(
      '„mx“ im SPF-Eintrag durch den Postausgang ersetzen; MTA-STS um die Relays ergänzen.',
      'Replace “mx” in the SPF record by your outbound host; add the relays to MTA-STS.',
    ),
    command: ({ domain }) => `curl https://mta-sts.${domain}/.well-known/mta-sts.txt`,
  },
  {
    text: text(
      'Warten, bis der Betreiber die Domäne am Relay freigeschaltet hat.',
      'Wait until the operator has activated the domain on the relay.',
    ),
  },
  { text: text('Die beiden Zeilen oben eintragen.', 'Enter the lines above.') },
  {
    text: text(
      'Von außen eine Mail senden; sie muss über ein Relay kommen (Received). Auf dem Relay steht sie im Protokoll:',
      'Send a mail from outside; it must come through a relay (Received). On the relay the log has it:',
    ),
    command: ({ domain }) => `grep mail-finished pforte.log | grep '@${domain}"'`,
  },
  { text: text('Alte MX-Einträge entfernen.', 'Remove old MX records.') },
  {
    text: text(
      'Zweimal die alte TTL lang auf dem eigenen Server nachsehen, ob noch jemand an den Relays vorbei einliefert:',
      'For twice the old TTL look on your own server whether anybody still delivers past the relays:',
    ),
    command: ({ relays }) =>
      `grep 'connect from' mail.log | grep -v ${relays.map((relay) => `-e ${relay}`).join(' ')}`,
  },
  { text: text('TTL auf 86400 s setzen.', 'Set the TTL to 86400 s.') },
  {
    text: text(
      'Port 25 von außen schließen. Von außen geprüft:',
      'Close port 25 from outside. Seen from outside:',
    ),
    command: ({ domain, relays }) =>
      `pforte check dns ${domain} ${relays.map((relay) => `--relay ${relay}`).join(' ')} --outside`,
  },
]

/** The order of the switch, one line a step and one for what to type. */
export function switchSteps(
  language: Language,
  request: Pick<ZoneRequest, 'domain' | 'relays'>,
): readonly string[] {
  return steps.flatMap(({ text: words, command }, index) => [
    `${index + 1}. ${words[language]}`,
    ...(command === undefined ? [] : [`   ${command(request)}`]),
  ])
}
