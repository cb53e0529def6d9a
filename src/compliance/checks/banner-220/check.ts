// The first word of the server.

import {
  met,
  undetermined,
  violated,
  type Check,
  type CheckContext,
  type Finding,
} from '#compliance/check.ts'
import { codeOf, saidText } from '#compliance/dialog/session.ts'
import { text } from '#compliance/text.ts'
import { vantageText, type Vantage } from '#compliance/target.ts'
import type { Greeted } from '#compliance/dialog/contact.ts'

export const banner220: Check = {
  id: 'banner-220',
  title: text('Begrüßung mit 220', 'Greeting with 220'),
  requirement: text(
    'Der Server begrüßt die Relays mit 220.',
    'The server greets the relays with 220.',
  ),
  source: 'RFC 5321 §3.1, §4.2',
  severity: 'must',
  phase: 'connect',
  needs: [],
  run: async (context) => {
    for (const vantage of context.target.vantages) {
      const finding = await judge(context, vantage)
      if (finding !== null) return finding
    }
    const contacts = await Promise.all(
      context.target.vantages.map((vantage) => context.prober.firstContact(vantage)),
    )
    const greeted = contacts.flatMap((each) => (each.kind === 'greeted' ? [each.greeted] : []))
    const [first] = greeted
    if (first === undefined) {
      return undetermined(text('Es kam keine Verbindung zustande.', 'There was no connection.'))
    }
    return met(text(`„${saidText(first.banner)}“`, `“${saidText(first.banner)}”`), {
      evidence: greeted.map(({ banner }) => banner.seen),
    })
  },
}

/** Null: nothing wrong from there. */
async function judge(
  context: CheckContext,
  vantage: Vantage,
): Promise<ReturnType<typeof violated> | null> {
  const contact = await context.prober.firstContact(vantage)
  if (contact.kind === 'failed') return null // told by tcp-connect-v4 and -v6
  let { banner } = contact.greeted
  const evidence = [banner.seen]
  // RFC 5321 §3.8: 421 may be the load of a moment, so it is asked again.
  for (let tries = 1; codeOf(banner) === 421 && tries < 3; tries += 1) {
    if (!(await context.sleep(tries * 1000))) break
    const again = await context.prober.greet(vantage)
    if (again.kind === 'failed') break
    await again.greeted.session.quit()
    ;({ banner } = again.greeted)
    evidence.push(banner.seen)
  }
  const code = codeOf(banner)
  if (code === 220) return mangled(contact.greeted)
  const from = vantageText(vantage)
  const said = saidText(banner)
  if (code === 421) return busy(from, said, evidence)
  return violated(text(`Von ${from}: ${said}`, `From ${from}: ${said}`), {
    subtype: code === null ? 'no-banner' : 'refused',
    evidence,
    remedy: {
      text: text(
        `Der Server begrüßt uns mit „${said}“. Prüfen Sie Sperrlisten und Client-Sperren für die Relay-Netze.`,
        `The server greets us with “${said}”. Check block lists and client blocks for the relay networks.`,
      ),
      snippets: ['networks'],
    },
  })
}

/** It says itself that it is a matter of the moment. */
function busy(from: string, said: string, evidence: Finding['evidence']): Finding {
  return violated(text(`Von ${from}: ${said}`, `From ${from}: ${said}`), {
    subtype: 'busy',
    evidence,
    remedy: {
      text: text(
        `Der Server schickt uns mit „${said}“ wieder weg. Prüfen Sie, wie viele Verbindungen er annimmt, und nehmen Sie die Relay-Netze davon aus.`,
        `The server sends us away with “${said}”. Check how many connections it takes, and exempt the relay networks.`,
      ),
      snippets: ['networks'],
    },
  })
}

/** `220 ****************`: a firewall that rewrites SMTP also breaks STARTTLS and long replies. */
function mangled({ banner }: Greeted): ReturnType<typeof violated> | null {
  if (!/^220[ -]\*{4,}/.test(saidText(banner))) return null
  return violated(
    text(
      'Eine Firewall verändert den Dialog (Sternchen in der Begrüßung).',
      'A firewall rewrites the dialog (asterisks in the greeting).',
    ),
    {
      subtype: 'rewritten',
      severity: 'should',
      evidence: [banner.seen],
      remedy: {
        text: text(
          'Schalten Sie in der Firewall die SMTP-Inspektion aus (Cisco: „no fixup protocol smtp“, „no inspect esmtp“).',
          'Switch off SMTP inspection in the firewall (Cisco: “no fixup protocol smtp”, “no inspect esmtp”).',
        ),
        snippets: [],
      },
    },
  )
}
