// The spool as a worker sees it: the coordinator's, over the link.

import type { LinkClient } from '#link/connect-link.ts'
import { LinkError } from '#link/link.ts'
import { SpoolError, type NewEntry, type Spool } from '#spool/spool.ts'
import { calls, fromJson, message, type CommitAnswer, type EntryHead } from './calls.ts'

/** A coordinator that is being replaced is back by then. */
const awayMs = 8000
/** A disk that takes longer has failed. */
const commitMs = 60_000
const lookMs = 50

export function remoteSpool(
  link: LinkClient,
  hasRoomFor: Spool['hasRoomFor'],
): Pick<Spool, 'commit' | 'hasRoomFor'> {
  return { commit: async (entry) => await commit(link, entry), hasRoomFor }
}

async function commit(link: LinkClient, entry: NewEntry): Promise<void> {
  await untilUp(link)
  const { content, ...rest } = entry
  const head: EntryHead = {
    ...rest,
    content: { file: content.file, sizeBytes: content.sizeBytes },
  }
  const answer = await link
    .ask(calls.commit, message(head, Buffer.concat(content.prefix)), commitMs)
    .catch((error: unknown) => {
      // Asked and not answered: it may be durable.
      const isLost = error instanceof LinkError && error.kind === 'lost'
      throw new SpoolError('internal', String(error), isLost)
    })
  const committed = fromJson<CommitAnswer>(answer.value)
  if (!committed.ok) throw new SpoolError(committed.kind, committed.message, committed.isUnclear)
}

async function untilUp(link: LinkClient): Promise<void> {
  const endMs = performance.now() + awayMs
  while (!link.isUp()) {
    if (performance.now() > endMs) {
      throw new SpoolError('stopped', 'the coordinator, which has the spool, is not there')
    }
    await new Promise((resolve) => setTimeout(resolve, lookMs))
  }
}
