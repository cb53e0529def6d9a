// A real mail of 50 MiB: filters and mailboxes have limits that SIZE does not show.

import { undetermined, type Check, type CheckContext } from '#compliance/check.ts'
import { judgeSent } from '#compliance/data-check.ts'
import { contentOf } from '#compliance/payloads.ts'
import { issueSender } from '#compliance/returns/catching.ts'
import { sendContent } from '#compliance/sending.ts'
import { requiredBytes } from '#compliance/sizes.ts'
import { seconds, text } from '#compliance/text.ts'

const line = Buffer.from(`${'QUJD'.repeat(19)}\r\n`)
const linesPerPiece = 840

export const sizeReal: Check = {
  id: 'size-real',
  title: text('50 MiB werden wirklich angenommen', '50 MiB are really accepted'),
  requirement: text(
    'Eine wirkliche Mail von 52.428.800 Byte wird angenommen.',
    'A real mail of 52,428,800 bytes is accepted.',
  ),
  source: 'service requirement (e), RFC 1870 §5',
  severity: 'must',
  phase: 'content',
  needs: ['existing', 'send'],
  run: async (context) => {
    const [to = ''] = context.target.existing
    const from = issueSender(context, { purpose: 'mail', recipient: to })
    const startMs = context.now()
    const sent = await sendContent(
      context,
      { from, to, isEightBit: false, sizeBytes: requiredBytes },
      pieces(context, from, to),
    )
    const took = seconds(context.now() - startMs)
    if (/quota|mailbox (?:is )?full|\b5\.2\.2\b/i.test(sent.words)) {
      return undetermined(
        text(
          `Das Testpostfach hat keinen Platz: ${sent.words}`,
          `The test mailbox has no room: ${sent.words}`,
        ),
        { subtype: 'quota', evidence: [sent.seen] },
      )
    }
    const finding = judgeSent(sent, {
      remedy: text(
        'Eine Mail von 52.428.800 Byte wird abgelehnt; setzen Sie 60 MiB, auch für Filter und Postfächer.',
        'A mail of 52,428,800 bytes is refused; set 60 MiB, for filters and mailboxes too.',
      ),
      snippets: ['size'],
    })
    return finding.kind === 'met'
      ? {
          ...finding,
          summary: text(`in ${took.de}: „${sent.words}“`, `in ${took.en}: “${sent.words}”`),
        }
      : { ...finding, measured: {} }
  },
}

// Exactly the required size; CR LF counts, the final dot does not (RFC 1870 §5).
function* pieces(context: CheckContext, from: string, to: string): Generator<Buffer> {
  const head = contentOf(
    {
      subject: '50 MiB',
      headers: [
        'MIME-Version: 1.0',
        'Content-Type: application/octet-stream',
        'Content-Transfer-Encoding: base64',
      ],
      body: '',
    },
    { from, to, helloName: context.prober.helloName, nowMs: context.now(), run: null },
  )
  yield head
  let leftBytes = requiredBytes - head.length
  const piece = Buffer.concat(Array<Buffer>(linesPerPiece).fill(line))
  while (leftBytes >= piece.length + line.length) {
    yield piece
    leftBytes -= piece.length
  }
  while (leftBytes > 2 * line.length) {
    yield line
    leftBytes -= line.length
  }
  // The rest as two lines, none of which is empty or too long.
  const half = Math.floor(leftBytes / 2)
  for (const bytes of [half, leftBytes - half]) yield Buffer.from(`${'A'.repeat(bytes - 2)}\r\n`)
}
