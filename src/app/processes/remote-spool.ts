// The spool as a worker sees it: the coordinator's, over the link.

import { LinkError, type LinkMessage } from '#link/link.ts'
import type { LinkClient } from '#link/connect-link.ts'
import { SpoolError, type NewEntry, type Spool } from '#spool/spool.ts'
import { calls, fromJson, message, type CommitAnswer, type EntryHead } from './calls.ts'

/** A coordinator that is being replaced is back by then. */
const awayMs = 8000
/** A disk that takes longer has failed. */
const commitMs = 60_000
const lookMs = 50

export function remoteSpool(
  link: Pick<LinkClient, 'ask' | 'isUp'>,
  hasRoomFor: Spool['hasRoomFor'],
  waitMs: number = awayMs,
): Pick<Spool, 'commit' | 'hasRoomFor'> {
  return { commit: async (entry) => await commit(link, entry, waitMs), hasRoomFor }
}

async function commit(
  link: Pick<LinkClient, 'ask' | 'isUp'>,
  entry: NewEntry,
  waitMs: number,
): Promise<void> {
  const { content, ...rest } = entry
  const head: EntryHead = {
    ...rest,
    content: { file: content.file, sizeBytes: content.sizeBytes },
  }
  const answer = await askInTime(link, message(head, Buffer.concat(content.prefix)), waitMs)
  const committed = fromJson<CommitAnswer>(answer.value)
  if (!committed.ok) throw new SpoolError(committed.kind, committed.message, committed.isUnclear)
}

/** Asks once. Only what was surely not asked is asked again, of the next coordinator. */
async function askInTime(
  link: Pick<LinkClient, 'ask' | 'isUp'>,
  question: LinkMessage,
  waitMs: number,
): Promise<LinkMessage> {
  const endMs = performance.now() + waitMs
  for (;;) {
    if (link.isUp()) {
      try {
        return await link.ask(calls.commit, question, commitMs)
      } catch (error) {
        const kind = error instanceof LinkError ? error.kind : 'failed'
        // Asked and not answered: it may be durable.
        if (kind !== 'away') throw new SpoolError('internal', String(error), kind === 'lost')
      }
    }
    if (performance.now() > endMs) {
      throw new SpoolError('stopped', 'the coordinator, which has the spool, is not there')
    }
    await new Promise((resolve) => setTimeout(resolve, lookMs))
  }
}
