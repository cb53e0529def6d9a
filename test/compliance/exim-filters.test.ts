// What `pforte check` says of Debian's Exim with real filters beside it, and whether its advice helps.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Report } from '#compliance/compliance.ts'
import { findPrograms, prefixOf, skipReason } from '../interop/support/programs.ts'
import {
  assertFindings,
  examine,
  networks,
  snippetsOf,
  tryOut,
  type Bench,
} from './support/examine.ts'
import { applyToExim, startExaminedExim, type EximConfiguration } from './support/exim.ts'
import { startClamd, startSpamd } from './support/filters.ts'
import { startGreylistd } from './support/greylistd.ts'

const programs = findPrograms('exim-heavy', 'exim-debian', 'greylistd', 'spamassassin', 'clamav')
const skip = skipReason(
  programs,
  'exim-heavy',
  'exim-debian',
  'greylistd',
  'spamassassin',
  'clamav',
)
/** Where Debian's configuration is, unless a filter has changed it. */
const prefix = (name: Parameters<typeof prefixOf>[1]): string => prefixOf(programs, name)

function benchWith(configuration: string): Bench<EximConfiguration> {
  return {
    program: 'Exim',
    skip,
    start: (own) => startExaminedExim({ exim: prefix('exim-heavy'), configuration }, own),
    apply: applyToExim,
  }
}

function greylistd(whitelist?: readonly string[]): ReturnType<typeof startGreylistd> {
  const prefixes = { greylistd: prefix('greylistd'), configuration: prefix('exim-debian') }
  return startGreylistd(prefixes, whitelist)
}

describe('Exim with filters', { concurrency: 2, skip }, () => {
  test('greylistd, which spares the null sender', { timeout: 90_000 }, async () => {
    await using filter = await greylistd()
    await tryOut(benchWith(filter.configuration), {
      name: 'greylistd',
      configuration: {},
      sources: ['127.0.0.10', '127.0.0.11'],
      expected: {
        'null-sender': 'met',
        'rcpt-unknown-rejected': 'met',
        'rcpt-unknown-permanent': 'met',
        postmaster: 'met',
        'no-greylisting': 'violated greylisting',
        'sender-consistency': 'undetermined deferred',
      },
      remedied: ['no-greylisting'],
    })
  })

  test('greylistd that knows the relays', { timeout: 60_000 }, async () => {
    await using filter = await greylistd(networks)
    await using server = await benchWith(filter.configuration).start({})
    const sources = ['127.0.0.10', '127.0.0.11']
    const report = await examine(server, ['no-greylisting', 'sender-consistency'], { sources })
    assertFindings(report, { 'no-greylisting': 'met', 'sender-consistency': 'met' })
  })

  test('SpamAssassin, whose spam is refused', { timeout: 90_000 }, async () => {
    await using spamd = await startSpamd(prefix('spamassassin'))
    await tryOut(bench, {
      name: 'spamd',
      configuration: withSpamd(spamd.port, refusing),
      maySend: true,
      expected: { 'data-clean': 'met', 'data-spam': 'violated data-rejection' },
      remedied: ['data-spam'],
    })
  })

  test('SpamAssassin that marks', { timeout: 90_000 }, async () => {
    await using spamd = await startSpamd(prefix('spamassassin'))
    await markInstead(withSpamd(spamd.port, refusing), 'data-spam', /X-Spam\S+: \$\w+/)
    assert.match(spamd.log(), /identified spam/, 'it was seen')
  })

  test('ClamAV that refuses, and that marks', { timeout: 90_000 }, async () => {
    await using clamd = await startClamd(prefix('clamav'))
    const refusal = '  deny\n    malware = *\n    message = This is malware ($malware_name)\n'
    const configuration = {
      ...withDataAcl(refusal),
      main: [`av_scanner = clamd:127.0.0.1 ${clamd.port}`],
    }
    await markInstead(configuration, 'data-virus', /X-Virus: \$\w+/)
    // Refused once; then the file came, and the archive with it.
    assert.equal(clamd.log().match(/ FOUND$/gm)?.length, 3)
  })
})

const bench = benchWith(prefix('exim-debian'))

/** Refused first; then the `deny` is a `warn` with the header that the report names, and the check is met. */
async function markInstead(
  configuration: EximConfiguration,
  id: string,
  header: RegExp,
): Promise<void> {
  const found = await examineWith(configuration, id)
  assertFindings(found, { 'data-clean': 'met', [id]: 'violated data-rejection' })
  const [snippet] = snippetsOf(found, 'Exim', [id])
  const code = snippet?.code ?? ''
  const line = new RegExp(`add_header = ${header.source}`).exec(code)?.[0] ?? ''
  assert.notEqual(line, '', code)
  const marking = (configuration.files?.['data_acl'] ?? '')
    .replace('deny', 'warn')
    .replace(/message = .*/, line)
  const after = await examineWith({ ...configuration, ...withDataAcl(marking) }, id)
  assertFindings(after, { 'data-clean': 'met', [id]: 'met' })
}

async function examineWith(configuration: EximConfiguration, id: string): Promise<Report> {
  await using server = await bench.start(configuration)
  return await examine(server, ['data-clean', id], { maySend: true })
}

function withDataAcl(acl: string): EximConfiguration {
  return {
    macros: ['CHECK_DATA_LOCAL_ACL_FILE = CONFDIR/data_acl'],
    files: { data_acl: acl },
  }
}

function withSpamd(port: number, acl: string): EximConfiguration {
  return { ...withDataAcl(acl), main: [`spamd_address = 127.0.0.1 ${port}`] }
}

/** As Debian's acl_check_data has it in a comment. */
const refusing = `
  deny
    condition = \${if <{$message_size}{120k}{1}{0}}
    spam = nobody:true
    condition = \${if >{$spam_score_int}{150}{true}{false}}
    message = Classified as spam (score $spam_score)
`
