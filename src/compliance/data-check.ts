// Checks that send one mail and look at the reply to its content: by then a relay has nobody left to tell.

import { isPermanent } from '#smtp/reply.ts'
import {
  met,
  undetermined,
  violated,
  type Check,
  type CheckContext,
  type Finding,
  type Severity,
} from './check.ts'
import type { Profile } from './profile.ts'
import type { SnippetTopic } from './mta/snippets.ts'
import { isGreylisting } from './replies.ts'
import { send, type Sending, type Sent } from './sending.ts'
import { text, type Text } from './text.ts'

export interface DataCheck {
  readonly id: string
  readonly title: Text
  readonly requirement: Text
  readonly source: string
  readonly severity: Severity
  readonly sending: (context: CheckContext) => Sending
  /** Further mails of the same kind, one after the other: the first that is not accepted is told. */
  readonly more?: readonly (() => Sending)[]
  /** A mail the server has no reason to refuse: if it refuses that one too, the reason is another. */
  readonly control?: () => Sending
  /** Before the words of the server. */
  readonly remedy: Text
  readonly snippets: readonly SnippetTopic[]
  /** What a permanent refusal says of the server, besides that it refuses. */
  readonly refusalMeans?: Profile
}

export function dataCheck(options: DataCheck): Check {
  const { id, title, requirement, source, severity } = options
  return {
    id,
    title,
    requirement,
    source,
    severity,
    phase: 'content',
    needs: ['existing', 'send'],
    run: async (context: CheckContext): Promise<Finding> => {
      let finding = judgeSent(await send(context, options.sending(context)), options)
      for (const another of options.more ?? []) {
        if (finding.kind !== 'met') break
        finding = judgeSent(await send(context, another()), options)
      }
      if (finding.kind !== 'violated' || options.control === undefined) return finding
      return againstControl(finding, await send(context, options.control()))
    },
  }
}

function againstControl(finding: Finding, control: Sent): Finding {
  if (control.kind === 'answered' && control.said.reply.code < 300) return finding
  const { evidence, measured } = finding
  return undetermined(
    text(
      `Eine gewöhnliche Mail wird auch nicht angenommen: ${control.words}`,
      `An ordinary mail is not accepted either: ${control.words}`,
    ),
    { subtype: 'no-difference', evidence: [...evidence, control.seen], measured },
  )
}

export function judgeSent(
  sent: Sent,
  { remedy, snippets, refusalMeans = {} }: Pick<DataCheck, 'remedy' | 'snippets' | 'refusalMeans'>,
): Finding {
  const { words, seen } = sent
  const evidence = [seen]
  if (sent.kind === 'not-sent') {
    return undetermined(
      text(`Der Inhalt wurde nicht verlangt: ${words}`, `The content was not asked for: ${words}`),
      { subtype: 'not-accepted', evidence },
    )
  }
  if (sent.kind === 'unanswered') {
    return undetermined(
      text(`Keine Antwort auf den Inhalt: ${words}`, `No reply to the content: ${words}`),
      { subtype: 'no-reply', evidence },
    )
  }
  const { reply } = sent.said
  if (reply.code < 300) {
    return met(
      text(
        `„${words}“. Dass später keine Unzustellbarkeitsmeldung kommt, ist damit nicht bewiesen.`,
        `“${words}”. That no delivery report follows later is not proven by this.`,
      ),
      { evidence },
    )
  }
  const subtype = isPermanent(reply)
    ? 'data-rejection'
    : isGreylisting(reply)
      ? 'greylisting'
      : 'data-tempfail'
  return violated(text(`Nach dem Inhalt: „${words}“`, `After the content: “${words}”`), {
    subtype,
    evidence,
    measured: { refusesAtData: true, ...(isPermanent(reply) && refusalMeans) },
    remedy: { text: text(`${remedy.de} („${words}“)`, `${remedy.en} (“${words}”)`), snippets },
  })
}

/** For filters: what they do is the same, whatever they look for. */
export const filterRemedy: Text = text(
  'Ihr Filter lehnt nach DATA ab. Die Ablehnung kann beim Absender als Unzustellbarkeit enden, und bei Mail, die das Relay schon übernommen hat, gibt es niemanden mehr, dem es sie sagen könnte. Stellen Sie auf Markieren oder Quarantäne um, mindestens für die Relay-Netze.',
  'Your filter rejects after DATA. The rejection may end as a delivery failure at the sender, and for mail that the relay has taken over there is nobody left to tell. Switch to tagging or quarantine, at least for the relay networks.',
)
