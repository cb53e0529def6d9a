// What `pforte check` says of a Postfix or a sendmail with spamass-milter beside it, and whether its advice helps.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Report } from '#compliance/compliance.ts'
import { findPrograms, prefixOf, skipReason } from '../interop/support/programs.ts'
import { assertFindings, examine, snippetsOf, tryOut, type RealServer } from './support/examine.ts'
import { startSpamassMilter, type Filter } from './support/filters.ts'
import { postfixBench, type PostfixConfiguration } from './support/postfix.ts'
import { startExaminedSendmail } from './support/sendmail.ts'

const names = ['postfix', 'sendmail', 'spamassassin'] as const
const programs = findPrograms(...names)
const skip = skipReason(programs, ...names)
const bench = postfixBench(programs, skip)
const { start } = bench

function startSpamass(options = ''): Promise<Filter> {
  return startSpamassMilter(prefixOf(programs, 'spamassassin'), options)
}

function withMilter(port: number): PostfixConfiguration {
  return { mainCf: [`smtpd_milters = inet:127.0.0.1:${port}`] }
}

function startSendmailWith(port: number): Promise<RealServer> {
  return startExaminedSendmail(prefixOf(programs, 'sendmail'), {
    macros: [`INPUT_MAIL_FILTER(\`spamassassin', \`S=inet:${port}@127.0.0.1, F=T')dnl`],
  })
}

async function examineSpam(starting: Promise<RealServer>, source: string): Promise<Report> {
  await using server = await starting
  const ids = ['data-clean', 'data-spam']
  return await examine(server, ids, { maySend: true, sources: [source] })
}

/** The option that the report names for who wants to spare the relays. */
function sparing(report: Report, program: string): string {
  const [snippet] = snippetsOf(report, program, ['data-spam'])
  const [option = 'nothing'] = /-i \S+/.exec(snippet?.code ?? '') ?? []
  return option
}

describe('spamass-milter', { concurrency: 2, skip }, () => {
  test('it refuses', { timeout: 90_000 }, async () => {
    await using spamass = await startSpamass('-r 15')
    await tryOut(bench, {
      name: 'spamass-milter',
      configuration: withMilter(spamass.port),
      maySend: true,
      expected: { 'data-clean': 'met', 'data-spam': 'violated data-rejection' },
      remedied: ['data-spam'],
    })
  })

  test('it marks', { timeout: 60_000 }, async () => {
    await using spamass = await startSpamass()
    const report = await examineSpam(start(withMilter(spamass.port)), '127.0.0.1')
    assertFindings(report, { 'data-clean': 'met', 'data-spam': 'met' })
    assert.match(spamass.log(), /identified spam/, 'it was seen')
  })

  test('it spares some networks', { timeout: 90_000 }, async () => {
    // As Debian sets it, but for -r: what comes from loopback hides it.
    await using spamass = await startSpamass('-i 127.0.0.1 -r 15')
    const configuration = withMilter(spamass.port)
    const hidden = await examineSpam(start(configuration), '127.0.0.1')
    assertFindings(hidden, { 'data-spam': 'met' })
    const found = await examineSpam(start(configuration), '127.0.0.10')
    assertFindings(found, { 'data-spam': 'violated data-rejection' })
    await using repaired = await startSpamass(`${sparing(found, 'Postfix')} -r 15`)
    const after = await examineSpam(start(withMilter(repaired.port)), '127.0.0.10')
    assertFindings(after, { 'data-spam': 'met' })
  })

  test('it refuses beside sendmail', { timeout: 90_000 }, async () => {
    await using spamass = await startSpamass('-r 15')
    const found = await examineSpam(startSendmailWith(spamass.port), '127.0.0.10')
    assertFindings(found, { 'data-clean': 'met', 'data-spam': 'violated data-rejection' })
    await using repaired = await startSpamass(`${sparing(found, 'sendmail')} -r 15`)
    const after = await examineSpam(startSendmailWith(repaired.port), '127.0.0.10')
    assertFindings(after, { 'data-clean': 'met', 'data-spam': 'met' })
  })
})
