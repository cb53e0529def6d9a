// What `pforte check` says of a Postfix or a sendmail with real filters beside it, and whether its advice helps.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { findPrograms, prefixOf, skipReason } from '../interop/support/programs.ts'
import type { ShownSnippet } from '#compliance/report/remedies.ts'
import { checkApplied, planApplied } from './support/applied.ts'
import { assertFindings, examine, networks, tryOut, type RealServer } from './support/examine.ts'
import { startClamav, startPostgrey, type OnInfected } from './support/filters.ts'
import { startExaminedSendmail } from './support/sendmail.ts'
import { postfixBench, type PostfixConfiguration } from './support/postfix.ts'

const programs = findPrograms('postfix', 'sendmail', 'postgrey', 'clamav')
const skip = skipReason(programs, 'postfix', 'postgrey', 'clamav')
const bench = postfixBench(programs, skip)
const { start } = bench

checkApplied(import.meta.filename)

/** As postgrey's README.Debian says. */
function withPolicy(port: number): PostfixConfiguration {
  return {
    mainCf: [
      `smtpd_recipient_restrictions = reject_unlisted_recipient, check_policy_service inet:127.0.0.1:${port}`,
    ],
  }
}

describe('Postfix with filters', { concurrency: 2, skip }, () => {
  test('postgrey', { timeout: 90_000 }, async () => {
    await using postgrey = await startPostgrey(prefixOf(programs, 'postgrey'), {
      delaySeconds: 300,
    })
    await tryOut(bench, {
      name: 'postgrey',
      configuration: withPolicy(postgrey.port),
      // Not 127.0.0.1, whose whole network it would get to know as a good client.
      sources: ['127.0.0.10', '127.0.0.11'],
      expected: {
        'rcpt-unknown-rejected': 'met existing-deferred',
        'rcpt-unknown-permanent': 'met',
        postmaster: 'met',
        'no-greylisting': 'violated greylisting',
      },
      remedied: ['no-greylisting'],
    })
  })

  test('postgrey that knows the relays', { timeout: 60_000 }, async () => {
    const whitelist = networks.filter((network) => !network.includes(':'))
    await using postgrey = await startPostgrey(prefixOf(programs, 'postgrey'), {
      delaySeconds: 300,
      whitelist,
    })
    await using server = await start(withPolicy(postgrey.port))
    const report = await examine(server, ['no-greylisting'], { sources: ['127.0.0.10'] })
    assertFindings(report, { 'no-greylisting': 'met' })
  })

  test('clamav-milter that refuses', { timeout: 90_000 }, async () => {
    await using clamav = await startClamav(prefixOf(programs, 'clamav'), 'Reject')
    await tryOut(bench, {
      name: 'clamav-milter',
      configuration: { mainCf: [`smtpd_milters = inet:127.0.0.1:${clamav.port}`] },
      maySend: true,
      expected: { 'data-clean': 'met', 'data-virus': 'violated data-rejection' },
      remedied: ['data-virus'],
    })
  })

  test('clamav-milter as Debian sets it: quarantine', { timeout: 60_000 }, async () => {
    await using clamav = await startClamav(prefixOf(programs, 'clamav'), 'Quarantine')
    await using server = await start({
      mainCf: [`smtpd_milters = inet:127.0.0.1:${clamav.port}`],
    })
    const report = await examine(server, ['data-clean', 'data-virus'], { maySend: true })
    assertFindings(report, { 'data-clean': 'met', 'data-virus': 'met' })
    assert.match(server.log(), /milter-hold/, 'it was seen, and is kept')
  })
})

const skipSendmail = skipReason(programs, 'sendmail', 'clamav')

describe('sendmail with a filter', { skip: skipSendmail }, () => {
  const name = 'clamav-milter beside sendmail'
  planApplied(name)
  test(name, { timeout: 90_000 }, async () => {
    await tryOut(
      {
        program: 'sendmail',
        skip: skipSendmail,
        start: startWithClamav,
        apply: (_, snippets) => onInfectedOf(snippets),
      },
      {
        name,
        configuration: 'Reject',
        sources: ['127.0.0.10'],
        maySend: true,
        expected: { 'data-clean': 'met', 'data-virus': 'violated data-rejection' },
        remedied: ['data-virus'],
      },
    )
  })
})

/** `onInfected` is what the report speaks of: the configuration of the filter, not that of sendmail. */
async function startWithClamav(onInfected: OnInfected): Promise<RealServer> {
  await using started = new AsyncDisposableStack()
  const clamav = started.use(await startClamav(prefixOf(programs, 'clamav'), onInfected))
  const macros = [`INPUT_MAIL_FILTER(\`clamav', \`S=inet:${clamav.port}@127.0.0.1')dnl`]
  const server = started.use(
    await startExaminedSendmail(prefixOf(programs, 'sendmail'), { macros }),
  )
  const both = started.move()
  return { port: server.port, log: server.log, [Symbol.asyncDispose]: () => both.disposeAsync() }
}

function onInfectedOf(snippets: readonly ShownSnippet[]): OnInfected {
  const code = snippets.map((snippet) => snippet.code).join('\n')
  const word = /^# .*clamav-milter\.conf: OnInfected (\w+)$/m.exec(code)?.[1]
  assert.ok(word === 'Quarantine' || word === 'Reject', code)
  return word
}
