// As many connections at a time as the relay will use, then as many one after the other.

import {
  met,
  undetermined,
  violated,
  type Check,
  type CheckContext,
  type Finding,
} from '#compliance/check.ts'
import type { Contact } from '#compliance/dialog/contact.ts'
import { codeOf, saidText } from '#compliance/dialog/session.ts'
import { text } from '#compliance/text.ts'
import type { Excerpt } from '#compliance/transcript.ts'

const sequentialCount = 15
const holdMs = 500
const pauseMs = 1000

interface Refusal {
  /** From 1. */
  readonly number: number
  readonly words: string
  readonly seen: Excerpt
}

export const noRateLimitConnections: Check = {
  id: 'no-rate-limit-connections',
  title: text('Genug Verbindungen gleichzeitig', 'Enough connections at a time'),
  requirement: text(
    'Der Server nimmt so viele Verbindungen gleichzeitig und nacheinander an, wie ein Relay braucht (20 und 15).',
    'The server takes as many connections at a time and in a row as a relay needs (20 and 15).',
  ),
  source: 'service requirement (f)',
  severity: 'must',
  phase: 'load',
  needs: [],
  run: async (context) => {
    await context.questions.close() // its connections would count
    const wanted = context.prober.limits.maxConnections
    const first = await together(context, wanted)
    if (first !== null) {
      await context.sleep(pauseMs)
      const second = await together(context, wanted)
      return second === null ? passing(first) : tooMany(first, second, wanted)
    }
    const inRow = await oneByOne(context)
    return inRow === null
      ? met(
          text(
            `${wanted} Verbindungen gleichzeitig, ${sequentialCount} nacheinander.`,
            `${wanted} connections at a time, ${sequentialCount} in a row.`,
          ),
          {
            measured: {},
          },
        )
      : tooFast(inRow)
  },
}

/** Null: all were welcome. Opened one behind the other, so that the number of the first refusal is exact. */
async function together(
  { prober, target, sleep }: CheckContext,
  wanted: number,
): Promise<Refusal | null> {
  const contacts: Contact[] = []
  let refusal: Refusal | null = null
  while (contacts.length < wanted && refusal === null) {
    const contact = await prober.greet(target.vantages[0])
    contacts.push(contact)
    refusal = refusalOf(contact, contacts.length)
  }
  if (refusal === null) await sleep(holdMs)
  for (const [index, contact] of contacts.entries()) {
    if (contact.kind === 'failed') continue
    const { session } = contact.greeted
    // Some servers let everybody in and close those who are too many a moment later.
    if (refusal === null && !session.isOpen) {
      refusal = { number: index + 1, words: 'closed', seen: session.transcript.since(0) }
    }
  }
  await Promise.all(
    contacts.map(async (each) => {
      if (each.kind === 'greeted') await each.greeted.session.quit()
    }),
  )
  return refusal
}

async function oneByOne({ prober, target }: CheckContext): Promise<Refusal | null> {
  for (let number = 1; number <= sequentialCount; number += 1) {
    const contact = await prober.greet(target.vantages[0])
    if (contact.kind === 'greeted') await contact.greeted.session.quit()
    const refusal = refusalOf(contact, number)
    if (refusal !== null) return refusal
  }
  return null
}

function refusalOf(contact: Contact, number: number): Refusal | null {
  if (contact.kind === 'failed') return { number, words: contact.code, seen: contact.seen }
  const { banner, ehlo } = contact.greeted
  if (codeOf(banner) !== 220) return { number, words: saidText(banner), seen: banner.seen }
  if (ehlo !== null && codeOf(ehlo) !== 250)
    return { number, words: saidText(ehlo), seen: ehlo.seen }
  return null
}

function passing(first: Refusal): Finding {
  return undetermined(
    text(
      `Einmal wurde die ${first.number}. Verbindung abgewiesen, beim zweiten Mal keine: ${first.words}`,
      `Once connection ${first.number} was refused, the second time none: ${first.words}`,
    ),
    {
      subtype: 'passing',
      evidence: [first.seen],
    },
  )
}

function tooMany(first: Refusal, second: Refusal, wanted: number): Finding {
  const number = Math.min(first.number, second.number)
  return violated(
    text(
      `Die ${number}. gleichzeitige Verbindung von ${wanted} wird abgewiesen: ${first.words}`,
      `Connection ${number} of ${wanted} at a time is refused: ${first.words}`,
    ),
    {
      subtype: /\brate\b/i.test(first.words) ? 'connection-rate' : 'connection-count',
      evidence: [first.seen, second.seen],
      measured: { maxConnections: Math.max(1, number - 1) },
      remedy: {
        text: text(
          `Ab der ${number}. gleichzeitigen Verbindung wird abgewiesen („${first.words}“). Heben Sie die Grenze für die Relay-Netze auf; bis dahin hält das Relay sie ein.`,
          `Connections are refused from number ${number} on (“${first.words}”). Lift the limit for the relay networks; until then the relay keeps to it.`,
        ),
        snippets: ['connections', 'networks'],
      },
    },
  )
}

function tooFast(refusal: Refusal): Finding {
  return violated(
    text(
      `Die ${refusal.number}. Verbindung nacheinander wird abgewiesen: ${refusal.words}`,
      `Connection ${refusal.number} in a row is refused: ${refusal.words}`,
    ),
    {
      subtype: 'connection-rate',
      evidence: [refusal.seen],
      remedy: {
        text: text(
          `Bei schnell aufeinanderfolgenden Verbindungen kommt „${refusal.words}“. Heben Sie die Grenze für die Relay-Netze auf.`,
          `Connections in quick succession get “${refusal.words}”. Lift the limit for the relay networks.`,
        ),
        snippets: ['networks', 'connections'],
      },
    },
  )
}
