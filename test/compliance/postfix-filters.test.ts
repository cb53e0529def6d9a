// What `pforte check` says of a Postfix with real filters beside it, and whether its advice helps.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { findPrograms, prefixOf, skipReason } from '../interop/support/programs.ts'
import { assertFindings, examine, networks, tryOut, type Bench } from './support/examine.ts'
import { startClamav, startPostgrey } from './support/filters.ts'
import {
  applyToPostfix,
  startExaminedPostfix,
  type PostfixConfiguration,
} from './support/postfix.ts'

const programs = findPrograms('postfix', 'postgrey', 'clamav')
const skip = skipReason(programs, 'postfix', 'postgrey', 'clamav')
const start = (configuration: PostfixConfiguration): ReturnType<typeof startExaminedPostfix> =>
  startExaminedPostfix(prefixOf(programs, 'postfix'), configuration)
const bench: Bench<PostfixConfiguration> = {
  program: 'Postfix',
  skip,
  start,
  apply: applyToPostfix,
}

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
