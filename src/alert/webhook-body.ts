// What the webhook gets. `text` is what chats (Mattermost, Slack, Rocket.Chat) show.

import type { Notice } from './notice.ts'
import { shortText } from './alert-text.ts'
import { shown } from './words.ts'

const maxRecipientCount = 100

/** JSON. Times are ISO 8601 in UTC, text of peers is cleaned. */
export function webhookBody(notice: Notice, hostname: string, atMs: number): string {
  const common = {
    kind: notice.kind,
    level: notice.kind === 'mail-delayed' ? notice.level : 'operator',
    hostname,
    domain: notice.domain,
    at: isoText(atMs),
    text: shortText(notice, hostname),
  }
  return JSON.stringify({ ...common, ...detailsOf(notice) })
}

function detailsOf(notice: Notice): object {
  if (notice.kind === 'mail-delayed') {
    return {
      waitingCount: notice.waitingCount,
      oldestReceivedAt: isoText(notice.oldestReceivedAtMs),
      ageMs: notice.ageMs,
      server: shown(notice.server),
      lastReply: shown(notice.lastReply),
    }
  }
  if (notice.kind === 'requirement-violated') {
    return {
      server: shown(notice.server),
      violated: notice.violated.map(({ check, title, summary }) => ({
        check,
        title: shown(title.en),
        summary: shown(summary.en),
      })),
    }
  }
  return {
    mailCount: notice.mailCount,
    mails: notice.mails.map(({ id, recipients, reason, reply }) => ({
      id: shown(id),
      recipients: recipients.slice(0, maxRecipientCount).map(shown),
      reason,
      reply: shown(reply),
    })),
  }
}

function isoText(atMs: number): string | null {
  const at = new Date(atMs)
  return Number.isNaN(at.getTime()) ? null : at.toISOString()
}
