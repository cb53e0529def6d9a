// MTA-STS: a policy in force that does not name the relays keeps mail away from them (RFC 8461 §5).

import type { Finding, Severity } from '#compliance/check.ts'
import { text, type Text } from '#compliance/text.ts'
import { cleanLine } from '#base/text.ts'
import { bad, good, noAnswer, open, type DnsCheck } from './dns-check.ts'
import { startingWith } from './hint-checks.ts'
import { allowsHost, parsePolicy, type MtaStsPolicy } from './mta-sts.ts'
import { isAnswer } from './dns-answers.ts'
import type { ZoneFacts } from './zone-facts.ts'

export const mtaStsCheck: DnsCheck = {
  id: 'mta-sts',
  title: text('MTA-STS nennt die Relays', 'MTA-STS names the relays'),
  requirement: text(
    'Gibt es eine MTA-STS-Policy, so nennt sie alle Relays, und zwar vor der Umstellung des MX.',
    'If there is an MTA-STS policy it names all relays, before the MX is switched.',
  ),
  source: 'RFC 8461 §3, §5',
  severity: 'must',
  judge: (facts) => {
    const { mtaSts, policy } = facts
    if (!isAnswer(mtaSts)) return noAnswer(mtaSts, 'should')
    const records = startingWith(mtaSts, /^v=STSv1/i)
    const [record = ''] = records
    // RFC 8461 §3.1: several are as good as none.
    if (records.length > 1) return broken(facts, text(several.de, several.en), 'several-records')
    if (policy === null) return good(text('Keine Policy.', 'No policy.'))
    switch (policy.kind) {
      case 'answer':
        return policy.status === 200
          ? judgeBody(facts, policy.body, record)
          : notThere(facts, policy.status)
      case 'untrusted':
        return broken(facts, both(`TLS: ${policy.detail}`), 'certificate')
      case 'no-host':
        return broken(facts, both(policy.detail), 'no-host')
      case 'failed':
        return open(
          text(
            `Die Policy konnte von hier nicht abgerufen werden: ${shown(policy.detail)}`,
            `The policy could not be fetched from here: ${shown(policy.detail)}`,
          ),
          'not-fetched',
          'should',
          advice(facts),
        )
    }
  },
}

const several = text('Es gibt mehrere STSv1-Einträge.', 'There are several STSv1 records.')

function judgeBody(facts: ZoneFacts, body: string, record: string): Finding {
  const policy = parsePolicy(body)
  if (!policy.ok) return broken(facts, both(`${policy.problem}?`), 'invalid')
  const { mode, maxAgeSeconds } = policy.value
  const missing =
    mode === 'none' ? [] : facts.relays.filter((relay) => !allowsHost(policy.value, relay))
  const seen = { TXT: record, policy: policyWords(policy.value) }
  if (missing.length === 0) return good(both(`mode: ${mode}, max_age: ${maxAgeSeconds}`), seen)
  return bad(
    text(
      `Es fehlt in der Policy (mode: ${mode}): ${missing.join(', ')}`,
      `Missing in the policy (mode: ${mode}): ${missing.join(', ')}`,
    ),
    advice(facts),
    {
      facts: seen,
      subtype: mode,
      // Senders that enforce it deliver nothing to the relays; those that test only report.
      ...(mode === 'testing' && { severity: 'should' as Severity }),
    },
  )
}

/** RFC 8461 §3.3: a redirect is not followed, anything but 200 is no policy. */
function notThere(facts: ZoneFacts, status: number): Finding {
  return broken(
    facts,
    both(`HTTP ${status}`),
    status >= 300 && status < 400 ? 'redirect' : 'status',
  )
}

/** Senders take it for none, or go on with one they remember: bad, but no mail is lost by it at once. */
function broken(facts: ZoneFacts, words: Text, subtype: string): Finding {
  return bad(
    text(
      `Die Policy ist angekündigt, gilt aber nicht: ${shown(words.de)}`,
      `A policy is announced and does not hold: ${shown(words.en)}`,
    ),
    advice(facts),
    { subtype, severity: 'should' },
  )
}

function advice({ domain, relays }: ZoneFacts): Text {
  const place = `https://mta-sts.${domain}/.well-known/mta-sts.txt`
  const lines = relays.map((relay) => `mx: ${relay}`).join(', ')
  return text(
    `Geben Sie ${place} vor der Umstellung diese Zeilen, danach _mta-sts eine neue id: ${lines}`,
    `Give ${place} these lines before the switch, and then _mta-sts a new id: ${lines}`,
  )
}

function policyWords({ mode, maxAgeSeconds, mx }: MtaStsPolicy): string {
  return shown(`mode: ${mode}, max_age: ${maxAgeSeconds}, mx: ${mx.join(', ')}`)
}

function both(words: string): Text {
  return text(words, words)
}

function shown(words: string): string {
  return cleanLine(words, 400)
}
