// What a run's returns say of the server. Used by the checks of the run, and again by whoever looks later: what comes on
// the fifth day changes the verdict. That nothing has come back is never taken for proof.

import { cleanLine } from '#base/text.ts'
import type { CaughtRun, CaughtToken, Return, Returned } from '#catcher/catcher.ts'
import {
  met,
  notApplicable,
  undetermined,
  violated,
  type Finding,
  type Remedy,
} from '#compliance/check.ts'
import { seconds, text, type Text } from '#compliance/text.ts'
import { AddressMask } from '#compliance/transcript.ts'

export interface Judged {
  readonly finding: Finding
  /** Tokens whose returns or mails decided it. */
  readonly tokens: readonly CaughtToken[]
}

/** What is found in a run's returns, by the id of the check. */
export const returnJudges: Readonly<Record<ReturnCheckId, (run: CaughtRun) => Judged>> = {
  'no-sender-callback': judgeCallbacks,
  'no-backscatter-unknown': judgeUnknown,
  'no-backscatter-longtail': judgeLongTail,
  'no-silent-discard': judgeDiscard,
  'delivery-confirmed': judgeConfirmation,
}

export type ReturnCheckId =
  | 'no-sender-callback'
  | 'no-backscatter-unknown'
  | 'no-backscatter-longtail'
  | 'no-silent-discard'
  | 'delivery-confirmed'

export const nothingSoFar: Text = text(
  'Bisher kam nichts zurück; das beweist nichts.',
  'Nothing came back so far; this proves nothing.',
)

export const bounceRemedy: Remedy = {
  text: text(
    'Ihr Server nimmt an und schickt danach eine Unzustellbarkeitsmeldung an den (meist gefälschten) Absender. Lehnen Sie unbekannte Empfänger in der RCPT-Phase ab.',
    'Your server accepts and then sends a delivery failure to the (mostly forged) sender. Refuse unknown recipients at RCPT.',
  ),
  snippets: ['recipients'],
}

function judgeUnknown(run: CaughtRun): Judged {
  return judgeMails(run, 'unknown', bounceRemedy)
}

function judgeLongTail(run: CaughtRun): Judged {
  const judged = judgeMails(run, 'mail', {
    text: text(
      'Eine angenommene Testmail kam als unzustellbar zurück. Prüfen Sie Filter, Kontingente und Größengrenzen hinter dem ersten Server; was abgelehnt werden soll, muss im Dialog abgelehnt werden, alles andere wird markiert oder kommt in Quarantäne.',
      'An accepted test mail came back as undeliverable. Look at filters, quotas and size limits behind the first server; what shall be refused has to be refused in the dialog, everything else is tagged or quarantined.',
    ),
    snippets: ['filters', 'size'],
  })
  // Silence is what every server shows in the first minute: it must not keep one from being served.
  return judged.finding.subtype === 'nothing-so-far'
    ? { ...judged, finding: { ...judged.finding, severity: 'info' } }
    : judged
}

function judgeMails(run: CaughtRun, purpose: 'mail' | 'unknown', remedy: Remedy): Judged {
  const sent = run.tokens.filter((each) => each.purpose === purpose && isOut(each))
  const failed = sent.filter(({ returns }) => returns.some(isFailure))
  if (failed.length > 0) {
    const words = failed.map((each) => failureText(run, each))
    const summary = text(words.map(({ de }) => de).join(' '), words.map(({ en }) => en).join(' '))
    const facts = factsOf(run, failed)
    return { tokens: failed, finding: violated(summary, { subtype: 'bounced', facts, remedy }) }
  }
  const reported = sent.filter(({ returns }) => returns.some(isOtherReport))
  if (reported.length > 0) {
    const finding = undetermined(
      text(
        'Ein Zustellbericht kam zurück, der keine Unzustellbarkeit meldet (verzögert oder unklar); warten Sie ab.',
        'A delivery report came back that tells of no failure (delayed, or unclear); wait and see.',
      ),
      { subtype: 'reported', facts: factsOf(run, reported) },
    )
    return { tokens: reported, finding }
  }
  if (sent.length > 0) {
    const finding = undetermined(nothingSoFar, {
      subtype: 'nothing-so-far',
      facts: factsOf(run, sent),
    })
    return { tokens: sent, finding }
  }
  const reason = text(
    'Keine solche Mail wurde angenommen; es kann nichts zurückkommen.',
    'No such mail was accepted; nothing can come back.',
  )
  return { tokens: [], finding: notApplicable(reason, { subtype: 'nothing-accepted' }) }
}

function judgeDiscard(run: CaughtRun): Judged {
  const tokens = run.tokens.filter((each) => each.purpose === 'mail' && isOut(each))
  if (tokens.length === 0) {
    const reason = text('Keine Testmail wurde angenommen.', 'No test mail was accepted.')
    return { tokens, finding: notApplicable(reason, { subtype: 'nothing-accepted' }) }
  }
  if (isArrived(run)) {
    return {
      tokens,
      finding: met(text('Die einfache Testmail kam an.', 'The plain test mail arrived.')),
    }
  }
  const hasFailed = tokens.some(({ returns }) => returns.some(isFailure))
  if (run.missingAtMs !== null && !hasFailed) {
    const finding = violated(
      text(
        'Die Testmail wurde angenommen, kam nicht an, und niemand erfuhr davon.',
        'The test mail was accepted, did not arrive, and nobody was told.',
      ),
      {
        subtype: 'vanished',
        remedy: {
          text: text(
            'Testmails verschwinden ohne Meldung. Nehmen Sie Quarantäne statt Löschen.',
            'Test mails vanish silently. Use quarantine instead of discard.',
          ),
          snippets: ['filters'],
        },
      },
    )
    return { tokens, finding }
  }
  const finding = undetermined(
    text(
      'Niemand hat gesagt, ob die Testmails ankamen (pforte catcher confirm, pforte catcher missing).',
      'Nobody has said whether the test mails arrived (pforte catcher confirm, pforte catcher missing).',
    ),
    { subtype: 'nobody-said' },
  )
  return { tokens, finding }
}

function judgeConfirmation(run: CaughtRun): Judged {
  const tokens = run.tokens.filter((each) => each.check === 'data-clean' && isOut(each))
  if (isArrived(run)) {
    return {
      tokens,
      finding: met(text('Der Empfang wurde bestätigt.', 'The arrival was confirmed.')),
    }
  }
  if (tokens.length === 0) {
    const reason = text(
      'Die einfache Testmail wurde nicht gesendet oder nicht angenommen.',
      'The plain test mail was not sent, or not accepted.',
    )
    return { tokens, finding: notApplicable(reason, { subtype: 'nothing-accepted' }) }
  }
  const help = text(
    'Wer das Testpostfach liest, antwortet auf die einfache Testmail und lässt deren Text stehen, oder nennt Ihnen deren Code (pforte catcher confirm CODE).',
    'Whoever reads the test mailbox replies to the plain test mail and leaves its text in, or tells you its code (pforte catcher confirm CODE).',
  )
  if (run.missingAtMs !== null) {
    const finding = violated(
      text('Die einfache Testmail kam nicht an.', 'The plain test mail did not arrive.'),
      {
        subtype: 'not-arrived',
        remedy: {
          text: text(
            `Suchen Sie die Mail in den Protokollen Ihres Servers und seiner Filter. ${help.de}`,
            `Look for the mail in the logs of your server and its filters. ${help.en}`,
          ),
          snippets: ['filters'],
        },
      },
    )
    return { tokens, finding }
  }
  const finding = undetermined(
    text(`Noch nicht bestätigt. ${help.de}`, `Not confirmed so far. ${help.en}`),
    { subtype: 'not-confirmed' },
  )
  return { tokens, finding }
}

function judgeCallbacks(run: CaughtRun): Judged {
  const asked = run.tokens.filter(({ purpose }) => purpose === 'question')
  const tokens = asked.filter(({ returns }) =>
    returns.some(({ returned }) => returned.kind === 'callback'),
  )
  if (tokens.length === 0) {
    return asked.length === 0
      ? { tokens, finding: notApplicable(text('Es wurde nicht gefragt.', 'Nothing was asked.')) }
      : {
          tokens,
          finding: undetermined(nothingSoFar, { subtype: 'nothing-so-far', severity: 'info' }),
        }
  }
  const finding = violated(
    text(
      'Nach einer bloßen Frage bei RCPT wurde beim Absender zurückgefragt.',
      'After a mere question at RCPT somebody asked the sender’s server back.',
    ),
    // Whether mail of a sender that does not answer is refused is another question.
    {
      subtype: 'callback',
      severity: 'should',
      facts: factsOf(run, tokens),
      remedy: callbackRemedy,
    },
  )
  return { tokens, finding }
}

export const callbackRemedy: Remedy = {
  text: text(
    'Ihr Server prüft Absender durch Rückfrage. Das hat das Relay schon getan; schalten Sie es ab (Postfix: reject_unverified_sender entfernen).',
    'Your server verifies senders by callback. The relay has done that; disable it (Postfix: remove reject_unverified_sender).',
  ),
  snippets: ['sender-checks'],
}

/** A mail whose reply was lost may have been accepted; one that is reported about was, whatever was said. */
function isOut({ outcome, returns }: CaughtToken): boolean {
  return outcome === 'accepted' || outcome === 'unclear' || returns.some(isReported)
}

function isReported({ returned }: Return): boolean {
  return returned.kind === 'report' || returned.kind === 'bounce'
}

function isArrived(run: CaughtRun): boolean {
  const isReplied = run.tokens.some(({ returns }) =>
    returns.some(({ returned }) => returned.kind === 'mail' && returned.hasCode),
  )
  return run.confirmedAtMs !== null || isReplied
}

function isFailure({ returned }: Return): boolean {
  return (returned.kind === 'report' || returned.kind === 'bounce') && returned.action === 'failed'
}

function isOtherReport({ returned }: Return): boolean {
  return (
    returned.kind === 'bounce' ||
    (returned.kind === 'report' && (returned.action === 'delayed' || returned.action === 'unknown'))
  )
}

function failureText(run: CaughtRun, token: CaughtToken): Text {
  const found = token.returns.find(isFailure)
  const took = seconds((found?.atMs ?? 0) - token.issuedAtMs)
  const words = found === undefined ? '' : returnedWords(run, found.returned)
  return text(
    `${token.check}: kam nach ${took.de} als unzustellbar zurück: ${words}`,
    `${token.check}: came back as undeliverable after ${took.en}: ${words}`,
  )
}

const maxWords = 200

/** The peer's own words, cleaned; addresses that were not nominated are masked. */
export function returnedWords(run: CaughtRun, returned: Returned): string {
  switch (returned.kind) {
    case 'report':
      return shown(run, returned.diagnostic || returned.status || returned.action)
    case 'bounce':
      return shown(run, returned.diagnostic)
    case 'receipt':
    case 'auto-reply':
    case 'mail':
      return shown(run, returned.subject)
    case 'callback':
      return ''
    case 'broken-off':
      return returned.detail
  }
}

function shown(run: CaughtRun, words: string): string {
  const mask = new AddressMask()
  for (const { recipient } of run.tokens) mask.learn(recipient)
  return cleanLine(mask.mask(words), maxWords)
}

const kinds: Readonly<Record<Returned['kind'], Text>> = {
  report: text('Zustellbericht', 'delivery report'),
  bounce: text('Unzustellbarkeitsmeldung', 'bounce'),
  receipt: text('Empfangsbestätigung', 'receipt'),
  'auto-reply': text('automatische Antwort', 'automatic reply'),
  mail: text('Mail', 'mail'),
  callback: text('Rückfrage nach der Adresse', 'callback'),
  'broken-off': text('abgebrochene Mail', 'mail broken off'),
}

/** `Zustellbericht (failed)` */
export function returnedKind(returned: Returned): Text {
  const word = kinds[returned.kind]
  const hasAction = returned.kind === 'report' || returned.kind === 'bounce'
  return hasAction
    ? text(`${word.de} (${returned.action})`, `${word.en} (${returned.action})`)
    : word
}

function factsOf(run: CaughtRun, tokens: readonly CaughtToken[]): Record<string, string> {
  const facts: Record<string, string> = { run: run.id }
  const untilText = new Date(run.untilMs).toISOString()
  for (const { check, returns, issuedAtMs } of tokens) {
    for (const { atMs, client, greeting, returnPath, returned } of returns.slice(0, 5)) {
      const took = seconds(atMs - issuedAtMs).en
      const from = shown(run, `${client} (${greeting}), <${returnPath}>`)
      const mta = returned.kind === 'report' ? `, Reporting-MTA: ${returned.reportingMta}` : ''
      const value = `${returnedKind(returned).en} after ${took} from ${from}${shown(run, mta)}: ${returnedWords(run, returned)}`
      facts[uniqueKey(facts, check)] = value
    }
  }
  return { ...facts, until: untilText }
}

function uniqueKey(facts: Readonly<Record<string, string>>, wanted: string): string {
  let key = wanted
  for (let count = 2; Object.hasOwn(facts, key); count += 1) key = `${wanted} ${count}`
  return key
}
