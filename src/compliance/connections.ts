// Judging whether connections come about, for one address family.

import {
  met,
  undetermined,
  violated,
  type CheckContext,
  type Finding,
  type Remedy,
} from './check.ts'
import type { Contact } from './dialog/contact.ts'
import { vantageText, type Vantage } from './target.ts'
import { text } from './text.ts'

interface Tried {
  readonly vantage: Vantage
  readonly contact: Contact
}

export async function judgeConnections(
  context: CheckContext,
  isMeant: (vantage: Vantage) => boolean,
  remedy: Remedy,
): Promise<Finding> {
  const tried = await Promise.all(
    context.target.vantages.filter(isMeant).map(async (vantage) => ({
      vantage,
      contact: await context.prober.firstContact(vantage),
    })),
  )
  const failed = tried.filter(({ contact }) => contact.kind === 'failed')
  if (failed.length > 0) return failure(failed, remedy)
  const unsteady = tried.flatMap(({ contact }) =>
    contact.kind === 'greeted' ? contact.greeted.failedTries : [],
  )
  if (unsteady.length > 0) {
    return undetermined(
      text(
        'Die Verbindung kam erst im zweiten oder dritten Versuch zustande.',
        'The connection came about at the second or third try only.',
      ),
      { subtype: 'unsteady', evidence: unsteady },
    )
  }
  const ways = tried.map(({ vantage, contact }) => wayText(vantage, contact)).join(', ')
  return met(text(ways, ways), {
    evidence: tried.flatMap(({ contact }) =>
      contact.kind === 'greeted' ? [contact.greeted.connected] : [],
    ),
  })
}

function wayText(vantage: Vantage, contact: Contact): string {
  return contact.kind === 'greeted'
    ? `${contact.greeted.localAddress} → ${vantage.address} (${contact.greeted.connectMs.toFixed(0)} ms)`
    : vantageText(vantage)
}

function failure(failed: readonly Tried[], remedy: Remedy): Finding {
  const codes = failed.map(({ contact }) => codeOf(contact))
  const ways = failed
    .map(({ vantage, contact }) => `${vantageText(vantage)} (${codeOf(contact)})`)
    .join(', ')
  // The address we were told to use is not one of this machine: nothing is known of the server.
  if (codes.every((code) => code === 'EADDRNOTAVAIL')) {
    return undetermined(
      text(`Keine eigene Adresse: ${ways}.`, `Not an address of this machine: ${ways}.`),
      { subtype: 'source-not-local' },
    )
  }
  return violated(
    text(`In drei Versuchen keine Verbindung: ${ways}.`, `No connection in three tries: ${ways}.`),
    {
      subtype: codes.includes('ETIMEDOUT') ? 'timeout' : 'refused',
      // Who does not listen answers that at once; silence comes from a firewall.
      remedy: codes.every((code) => code === 'ETIMEDOUT')
        ? { ...remedy, snippets: ['firewall'] }
        : remedy,
      evidence: failed.flatMap(({ contact }) => (contact.kind === 'failed' ? [contact.seen] : [])),
    },
  )
}

function codeOf(contact: Contact): string {
  return contact.kind === 'failed' ? contact.code : ''
}
