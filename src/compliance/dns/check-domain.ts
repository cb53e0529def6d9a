// The DNS part of the examination, and what to write into the zone, in which order.

import type { Clock } from '#base/clock.ts'
import type { Check } from '#compliance/check.ts'
import type { Outcome, Report } from '#compliance/compliance.ts'
import type { Language, Text } from '#compliance/text.ts'
import { text } from '#compliance/text.ts'
import type { DnsCheck } from './dns-check.ts'
import { hintChecks } from './hint-checks.ts'
import { mxChecks } from './mx-checks.ts'
import { gatherZoneFacts, type ZoneRequest } from './zone-facts.ts'

export type { ZoneRequest } from './zone-facts.ts'

export const dnsCatalogue: readonly DnsCheck[] = [...mxChecks, ...hintChecks]

/** Sends nothing but DNS questions. */
export async function checkDomain(
  request: ZoneRequest,
  clock: Clock,
  signal: AbortSignal,
): Promise<Report> {
  const startedAtMs = clock.now()
  const startMs = clock.monotonicMs()
  const facts = await gatherZoneFacts(request, signal)
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
      finding: check.judge(facts),
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

const steps: readonly Text[] = [
  text(
    'TTL der alten MX-Einträge auf 300 s senken und die alte TTL abwarten.',
    'Lower the TTL of the old MX records to 300 s and wait for the old TTL.',
  ),
  text(
    '„mx“ im SPF-Eintrag durch den Postausgang ersetzen; MTA-STS um die Relays ergänzen.',
    'Replace “mx” in the SPF record by your outbound host; add the relays to MTA-STS.',
  ),
  text(
    'Warten, bis der Betreiber die Domäne am Relay freigeschaltet hat.',
    'Wait until the operator has activated the domain on the relay.',
  ),
  text('Die beiden Zeilen oben eintragen.', 'Enter the lines above.'),
  text(
    'Von außen eine Mail senden; sie muss über ein Relay kommen (Received).',
    'Send a mail from outside; it must come through a relay (Received).',
  ),
  text('Alte MX-Einträge entfernen.', 'Remove old MX records.'),
  text('TTL auf 86400 s setzen.', 'Set the TTL to 86400 s.'),
  text('Port 25 von außen schließen.', 'Close port 25 from outside.'),
]

/** The order of the switch, one line a step. */
export function switchSteps(language: Language): readonly string[] {
  return steps.map((step, index) => `${index + 1}. ${step[language]}`)
}
