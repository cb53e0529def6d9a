// The coordinator's side of a worker's commit to the spool.

import type { LinkMessage } from '#link/link.ts'
import { SpoolError, type Spool } from '#spool/spool.ts'
import { fromJson, message, type CommitAnswer, type EntryHead } from './calls.ts'

export interface CommitService {
  /** Answers `calls.commit`, once the entry is durable or the spool has said why it is not. */
  readonly asked: (question: LinkMessage) => Promise<LinkMessage>
  /** How many have been asked for so far. */
  readonly count: () => number
}

export function serveCommits(spool: Pick<Spool, 'commit'>): CommitService {
  let count = 0
  return {
    asked: async ({ value, bytes }) => {
      count += 1
      return message(await commit(spool, fromJson<EntryHead>(value), bytes))
    },
    count: () => count,
  }
}

async function commit(
  spool: Pick<Spool, 'commit'>,
  head: EntryHead,
  bytes: Buffer | null,
): Promise<CommitAnswer> {
  try {
    const prefix = bytes === null ? [] : [bytes]
    await spool.commit({ ...head, content: { ...head.content, prefix } })
    return { ok: true }
  } catch (error) {
    if (!(error instanceof SpoolError)) throw error
    const { kind, message: text, isUnclear } = error
    return { ok: false, kind, message: text, isUnclear }
  }
}
