// Filters that ask the DNS: SPF and DMARC at the institute, which behind a relay judge the wrong machine, and rspamd. They ask at
// the port that cannot be changed, so this file runs once more in a network of its own, where the resolver is ours.

import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import type { Report } from '#compliance/compliance.ts'
import { makeFolder } from '../interop/support/daemon.ts'
import { findPrograms, prefixOf, skipReason } from '../interop/support/programs.ts'
import { startDnsServer } from '../support/dns-server.ts'
import {
  assertFindings,
  examine,
  networks,
  snippetsOf,
  testRows,
  tryOut,
  type Bench,
  type Vantage,
} from './support/examine.ts'
import { applyToExim, startExaminedExim, type EximConfiguration } from './support/exim.ts'
import { isInside, runInside } from './support/own-network.ts'
import { postfixBench, type PostfixConfiguration } from './support/postfix.ts'
import { startRspamd } from './support/rspamd.ts'
import { placePolicydSpf, startOpendmarc, type PolicydSpf } from './support/sender-policy.ts'

const names = [
  'postfix',
  'opendmarc',
  'policyd-spf',
  'rspamd',
  'exim-heavy',
  'exim-debian',
  'iproute2',
] as const
const programs = findPrograms(...names)
const skip = skipReason(programs, ...names)

/** Whatever comes from 127/8 passes libspf2 and rspamd's DMARC. */
const fromOutside = { sources: ['198.51.100.10'], networks: ['198.51.100.0/24', '2001:db8::/64'] }

const bench = postfixBench(programs, skip)

const eximBench: Bench<EximConfiguration> = {
  program: 'Exim',
  skip,
  start: (configuration) =>
    startExaminedExim(
      { exim: prefixOf(programs, 'exim-heavy'), configuration: prefixOf(programs, 'exim-debian') },
      configuration,
    ),
  apply: applyToExim,
}

if (!isInside) {
  test('filters that ask the DNS', { skip, timeout: 240_000 }, () => {
    const folder = makeFolder('resolver')
    const file = join(folder, 'resolv.conf')
    writeFileSync(file, 'nameserver 127.0.0.1\n')
    try {
      runInside(programs, import.meta.filename, `mount --bind '${file}' /etc/resolv.conf`)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
} else {
  await serveZone()
  describe('Postfix', { concurrency: 2 }, () => {
    testOpendmarc()
    testPolicydSpf()
    testRspamd()
  })
  testRows(eximBench, [
    {
      name: 'SPF, as Debian has it ready',
      configuration: { macros: ['CHECK_RCPT_SPF = true'] },
      ...fromOutside,
      expected: { 'rcpt-existing-accepted': 'met', 'no-spf-on-relayed': 'violated spf' },
      remedied: ['no-spf-on-relayed'],
    },
  ])
}

/** What the DNS says of the domain that the checks pretend to be; the relay's own has neither SPF nor DMARC. */
async function serveZone(): Promise<void> {
  const zone = await startDnsServer(
    {
      'example.com': { a: ['192.0.2.1'], mx: [[0, '']], raw: { 16: [text('v=spf1 -all')] } },
      '_dmarc.example.com': { raw: { 16: [text('v=DMARC1;p=reject;sp=reject;adkim=s;aspf=s')] } },
    },
    53,
  )
  after(() => zone.close())
}

function text(words: string): Buffer {
  return Buffer.from(`${String.fromCharCode(words.length)}${words}`, 'latin1')
}

function testOpendmarc(): void {
  const ids = ['data-clean', 'no-dmarc-reject']
  const refusing = 'RejectFailures true'
  const start = (line: string, ignored = ['127.0.0.99']): ReturnType<typeof startOpendmarc> =>
    startOpendmarc(prefixOf(programs, 'opendmarc'), [line], ignored)

  test('opendmarc that refuses', { timeout: 60_000 }, async () => {
    await using opendmarc = await start(refusing)
    await tryOut(bench, {
      name: 'opendmarc',
      configuration: withMilter(opendmarc.port),
      maySend: true,
      expected: { 'data-clean': 'met', 'no-dmarc-reject': 'violated data-rejection' },
      remedied: ['no-dmarc-reject'],
      also: (report) => {
        assert.match(printedFor(report, 'no-dmarc-reject'), /RejectFailures false, or IgnoreHosts/)
      },
    })
  })

  test('opendmarc that marks', { timeout: 60_000 }, async () => {
    await using opendmarc = await start('RejectFailures false')
    const report = await examineWith(withMilter(opendmarc.port), ids)
    assertFindings(report, { 'data-clean': 'met', 'no-dmarc-reject': 'met' })
  })

  test('opendmarc that leaves the relays alone', { timeout: 60_000 }, async () => {
    await using opendmarc = await start(refusing, [...networks])
    const report = await examineWith(withMilter(opendmarc.port), ids)
    assertFindings(report, { 'data-clean': 'met', 'no-dmarc-reject': 'met' })
  })
}

function testPolicydSpf(): void {
  /** Loopback is exempt by default, and the relay is there in this bench. */
  const notExempt = ['skip_addresses = 127.0.0.99/32']
  const place = (lines: readonly string[]): ReturnType<typeof placePolicydSpf> =>
    placePolicydSpf(prefixOf(programs, 'policyd-spf'), lines)
  const atRcpt = ({ service }: PolicydSpf): PostfixConfiguration => ({
    mainCf: [`smtpd_recipient_restrictions = reject_unlisted_recipient, ${check}`],
    services: [service],
  })
  const atEndOfData = ({ service }: PolicydSpf): PostfixConfiguration => ({
    mainCf: [`smtpd_end_of_data_restrictions = ${check}`],
    services: [service],
  })
  const check = 'check_policy_service unix:private/policyd-spf'

  test('policyd-spf as Debian sets it', { timeout: 60_000 }, async () => {
    using policyd = place(notExempt)
    await tryOut(bench, {
      name: 'policyd-spf',
      configuration: atRcpt(policyd),
      maySend: true,
      expected: {
        'rcpt-existing-accepted': 'met',
        'no-spf-on-relayed': 'violated spf',
        'data-spf': 'undetermined not-accepted',
      },
      remedied: ['no-spf-on-relayed'],
    })
  })

  test('policyd-spf that only marks', { timeout: 60_000 }, async () => {
    using policyd = place(notExempt)
    const id = 'no-spf-on-relayed'
    const found = await examineWith(atRcpt(policyd), [id])
    assertFindings(found, { [id]: 'violated spf' })
    const lines = [...printedFor(found, id).matchAll(/\w+_reject = False/g)].map(([line]) => line)
    assert.equal(lines.length, 2)
    using repaired = place([...notExempt, ...lines])
    assertFindings(await examineWith(atRcpt(repaired), [id]), { [id]: 'met' })
  })

  test('policyd-spf asked after DATA', { timeout: 60_000 }, async () => {
    using policyd = place(notExempt)
    const ids = ['data-clean', 'no-spf-on-relayed', 'data-spf']
    const found = await examineWith(atEndOfData(policyd), ids)
    assertFindings(found, {
      'data-clean': 'met',
      'no-spf-on-relayed': 'met',
      'data-spf': 'violated data-rejection',
    })
    const [line = ''] = /skip_addresses = .*/.exec(printedFor(found, 'data-spf')) ?? []
    using repaired = place([line])
    assertFindings(await examineWith(atEndOfData(repaired), ids), { 'data-spf': 'met' })
    assertFindings(await examineWith(atRcpt(repaired), ids), { 'no-spf-on-relayed': 'met' })
  })
}

function testRspamd(): void {
  const ids = ['data-clean', 'data-spam', 'no-dmarc-reject']
  const rejecting = { 'dmarc.conf': 'actions { quarantine = "add_header"; reject = "reject"; }' }
  const start = (files: Readonly<Record<string, string>> = {}): ReturnType<typeof startRspamd> =>
    startRspamd(prefixOf(programs, 'rspamd'), { ...rejecting, ...files })

  test('rspamd that refuses', { timeout: 90_000 }, async () => {
    await using rspamd = await start()
    await tryOut(bench, {
      name: 'rspamd',
      ...fromOutside,
      configuration: withMilter(rspamd.port),
      maySend: true,
      expected: {
        'data-clean': 'met',
        'data-spam': 'violated data-rejection',
        'no-dmarc-reject': 'violated data-rejection',
      },
      remedied: ['data-spam', 'no-dmarc-reject'],
    })
  })

  test('rspamd, told by its own files', { timeout: 90_000 }, async () => {
    await using rspamd = await start()
    const found = await examineWith(withMilter(rspamd.port), ids, fromOutside)
    const printed = printedFor(found, 'data-spam', fromOutside.networks)
    const [quarantine = ''] = /quarantine_on_reject = .*/.exec(printed) ?? []
    const [settings = ''] = /relays \{ ip = .*/.exec(printed) ?? []

    await using holding = await start({ 'worker-proxy.inc': quarantine })
    assertFindings(await examineWith(withMilter(holding.port), ids, fromOutside), {
      'data-clean': 'met',
      'data-spam': 'met',
      'no-dmarc-reject': 'met',
    })
    await using sparing = await start({ 'settings.conf': settings })
    assertFindings(await examineWith(withMilter(sparing.port), ids, fromOutside), {
      'data-clean': 'met',
      'data-spam': 'violated data-rejection',
      'no-dmarc-reject': 'met',
    })
  })
}

function withMilter(port: number): PostfixConfiguration {
  return { mainCf: [`smtpd_milters = inet:127.0.0.1:${port}`] }
}

async function examineWith(
  configuration: PostfixConfiguration,
  ids: readonly string[],
  vantage: Vantage = {},
): Promise<Report> {
  await using server = await bench.start(configuration)
  return await examine(server, ids, { maySend: true, ...vantage })
}

/** What the report says to do, in the files of whatever program. */
function printedFor(report: Report, id: string, named = networks): string {
  return snippetsOf(report, 'Postfix', [id], named)
    .map(({ code }) => code)
    .join('\n')
}
