// What real servers send back to the senders of test mails: reports of Postfix, Exim and sendmail, an automatic reply, and
// the questions of those that verify senders. Each reaches a real catcher.

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Return } from '#catcher/catcher.ts'
import type { Catching, Report } from '#compliance/compliance.ts'
import { returnJudges } from '#compliance/returns/judge-returns.ts'
import { makeFolder } from '../interop/support/daemon.ts'
import { startExim } from '../interop/support/exim.ts'
import { findPrograms, prefixOf, skipReason } from '../interop/support/programs.ts'
import { examinedServer } from '../support/examined-server.ts'
import { startScriptedServer } from '../support/hostile-server.ts'
import { probeDomain, startTestCatcher } from '../support/test-catcher.ts'
import { checkApplied, noteApplied, planApplied } from './support/applied.ts'
import {
  assertFindings,
  domain,
  examine,
  existing,
  findingsOf,
  snippetsOf,
  type RealServer,
} from './support/examine.ts'
import { applyToExim, startExaminedExim } from './support/exim.ts'
import { startExaminedOpenSmtpd } from './support/opensmtpd.ts'
import {
  applyToPostfix,
  startExaminedPostfix,
  type PostfixConfiguration,
} from './support/postfix.ts'

const programs = findPrograms('postfix', 'exim', 'exim-debian', 'opensmtpd')
checkApplied(import.meta.filename)
const catcher = await startTestCatcher()
after(() => catcher[Symbol.asyncDispose]())
/** Debian's Exim sends nothing to its own host, and takes 127.0.0.1 for that. */
const elsewhere = await startTestCatcher(Date.now, '127.0.0.20')
after(() => elsewhere[Symbol.asyncDispose]())

/** A real server bounces within a second or two; a busy machine takes its time. */
const limits = { returnWaitMs: 30_000 }
const timeout = 120_000
const maySend = true

/** What has come back to mails of that check. Waits until something has. */
async function returnsOf(run: Catching, check: string): Promise<readonly Return[]> {
  for (let tries = 0; ; tries += 1) {
    const found = run.look().tokens.flatMap((each) => (each.check === check ? each.returns : []))
    if (found.length > 0 || tries === 600) return found
    await sleep(100)
  }
}

describe('Postfix', { skip: skipReason(programs, 'postfix'), concurrency: 2 }, () => {
  const prefix = skipReason(programs, 'postfix') === false ? prefixOf(programs, 'postfix') : ''
  const toCatcher = `transport_maps = inline:{ { ${probeDomain} = smtp:[127.0.0.1]:${catcher.port} } }`

  const examinePostfix = async (
    configuration: PostfixConfiguration,
    catching: Catching,
  ): Promise<Report> => {
    await using server = await startExaminedPostfix(prefix, configuration)
    const ids = ['rcpt-unknown-rejected', 'rcpt-late-rejection', 'no-backscatter-unknown']
    return await examine(server, ids, { maySend, catching, limits })
  }

  test('accepts everybody (local_recipient_maps empty), and bounces', { timeout }, async () => {
    const catching = catcher.beginRun()
    const configuration = {
      mainCf: ['local_recipient_maps =', 'local_transport = local:', toCatcher],
    }
    const report = await examinePostfix(configuration, catching)
    assertFindings(report, {
      'rcpt-unknown-rejected': 'violated accepts-unknown',
      'rcpt-late-rejection': 'violated accept-then-bounce',
      'no-backscatter-unknown': 'violated bounced',
    })
    const [found] = await returnsOf(catching, 'no-backscatter-unknown')
    assert.equal(found?.returnPath, '')
    const { returned } = found
    assert.ok(returned.kind === 'report' && returned.action === 'failed', JSON.stringify(returned))
    assert.equal(returned.reportingMta, 'dns; mail.inst.example')
    assert.equal(returned.status, '5.1.1')
    assert.match(returned.diagnostic, /unknown user/i)

    // And as the postmaster leaves it who does what the report says.
    const snippets = snippetsOf(report, 'Postfix', ['no-backscatter-unknown'])
    const again = catcher.beginRun()
    assertFindings(await examinePostfix(applyToPostfix(configuration, snippets), again), {
      'rcpt-unknown-rejected': 'met',
      'rcpt-late-rejection': 'met',
      'no-backscatter-unknown': 'met',
    })
    assert.equal(again.look().tokens.length, 0)
  })

  test('a filter behind it refuses: what was accepted comes back', { timeout }, async () => {
    const catching = catcher.beginRun()
    await using behind = await startExaminedPostfix(prefix, {
      mainCf: ['header_checks = regexp:/etc/postfix/header_checks'],
      files: { header_checks: '/^Subject: .*virus test file/ REJECT infected\n' },
    })
    await using server = await startExaminedPostfix(prefix, {
      mainCf: [`local_transport = smtp:[127.0.0.1]:${behind.port}`, toCatcher],
    })
    const ids = ['data-clean', 'data-virus', 'no-backscatter-longtail']
    const vantage = { maySend, catching, limits: { returnWaitMs: 5000 } }
    const report = await examine(server, ids, vantage)
    assertFindings(report, {
      'data-clean': 'met',
      'data-virus': 'met',
      'no-backscatter-longtail': 'violated bounced',
    })
    const summary = report.outcomes.at(-1)?.finding.summary.en ?? ''
    assert.match(summary, /^data-virus: came back as undeliverable after .*infected/)
    assert.doesNotMatch(summary, /data-clean/)
  })

  test('asks back for senders (reject_unverified_sender)', { timeout }, async () => {
    const catching = catcher.beginRun()
    await using server = await startExaminedPostfix(prefix, {
      mainCf: [
        'smtpd_sender_restrictions = reject_unverified_sender',
        'address_verify_poll_delay = 1s',
        toCatcher,
      ],
    })
    const report = await examine(server, ['no-sender-callback'], { catching, limits })
    assertFindings(report, { 'no-sender-callback': 'violated callback' })
    const [found] = await returnsOf(catching, 'no-sender-callback')
    assert.deepEqual(found?.returned, { kind: 'callback' })
  })
})

/** Accepts everybody; what it does with them is written in `routers`. */
function eximConfig(routers: string, transports: string): string {
  return `
primary_hostname = mail.${domain}
acl_smtp_rcpt = accept
smtp_accept_max_nonmail = 1000

begin routers
outside:
  driver = manualroute
  domains = ${probeDomain}
  route_list = * 127.0.0.1 byname
  self = send
  transport = catcher
${routers}

begin transports
catcher:
  driver = smtp
  port = ${catcher.port}
  allow_localhost
  hosts_try_dane =
${transports}

begin retry
* * F,1h,5m
`
}

async function startOddExim(routers: string, transports: string): Promise<RealServer> {
  const folder = makeFolder('exim-returning')
  return await startExim(prefixOf(programs, 'exim'), folder, eximConfig(routers, transports))
}

describe('Exim', { skip: skipReason(programs, 'exim', 'exim-debian'), concurrency: 2 }, () => {
  test('accepts everybody, and bounces', { timeout }, async () => {
    const catching = catcher.beginRun()
    await using server = await startOddExim(
      `known:\n  driver = accept\n  local_parts = anna\n  transport = nowhere\n`,
      'nowhere:\n  driver = appendfile\n  file = /dev/null\n  user = nobody\n',
    )
    const ids = ['rcpt-late-rejection', 'no-backscatter-unknown']
    const report = await examine(server, ids, { maySend, catching, limits })
    assertFindings(report, {
      'rcpt-late-rejection': 'violated accept-then-bounce',
      'no-backscatter-unknown': 'violated bounced',
    })
    const [found] = await returnsOf(catching, 'no-backscatter-unknown')
    assert.ok(found?.returned.kind === 'report' || found?.returned.kind === 'bounce')
    assert.match(JSON.stringify(found.returned), /Unrouteable address|unrouteable/i)
  })

  test('an automatic reply (autoreply transport) is no bounce', { timeout }, async () => {
    const catching = catcher.beginRun()
    await using server = await startOddExim(
      `away:
  driver = accept
  local_parts = anna
  transport = vacation`,
      `vacation:
  driver = autoreply
  from = ${existing}
  to = $sender_address
  subject = "Away: $h_subject:"
  headers = "Auto-Submitted: auto-replied"
  text = "I am away until Monday."
`,
    )
    const ids = ['data-clean', 'no-backscatter-longtail']
    const report = await examine(server, ids, {
      maySend,
      catching,
      limits: { returnWaitMs: 2000 },
    })
    const [found] = await returnsOf(catching, 'data-clean')
    assert.equal(found?.returned.kind, 'auto-reply', JSON.stringify(found))
    assertFindings(report, { 'no-backscatter-longtail': 'undetermined nothing-so-far' })
    const judged = returnJudges['no-backscatter-longtail'](catching.look())
    assert.equal(judged.finding.kind, 'undetermined')
  })

  const callout = 'Debian’s local_sender_callout asks back'
  planApplied(callout)
  test(callout, { timeout }, async () => {
    const catching = elsewhere.beginRun()
    const prefixes = {
      exim: prefixOf(programs, 'exim'),
      configuration: prefixOf(programs, 'exim-debian'),
    }
    const configuration = {
      files: {
        local_sender_callout: '*\n',
        hubbed_hosts: `${probeDomain}: 127.0.0.20::${elsewhere.port}\n`,
      },
    }
    const ids = ['no-sender-callback']
    const examineExim = async (
      changed: Parameters<typeof startExaminedExim>[1],
      run: Catching,
    ): Promise<Report> => {
      await using server = await startExaminedExim(prefixes, changed)
      return await examine(server, ids, { catching: run, limits })
    }
    const report = await examineExim(configuration, catching)
    assertFindings(report, { 'no-sender-callback': 'violated callback' })
    const [found] = await returnsOf(catching, 'no-sender-callback')
    assert.deepEqual(found?.returned, { kind: 'callback' })
    assert.equal(found.returnPath, '')

    const repaired = applyToExim(configuration, snippetsOf(report, 'Exim', ids))
    const after = await examineExim(repaired, elsewhere.beginRun())
    assertFindings(after, { 'no-sender-callback': 'met' })
    noteApplied(callout, 'Exim', findingsOf(report, ids))
  })
})

describe('OpenSMTPD', { skip: skipReason(programs, 'opensmtpd') }, () => {
  test('takes all for a server behind it that knows better', { timeout }, async () => {
    const behind = await startScriptedServer(examinedServer({ final: () => '250 2.0.0 Ok' }))
    const catching = catcher.beginRun()
    await using server = await startExaminedOpenSmtpd(prefixOf(programs, 'opensmtpd'), {
      limits: [
        `action "behind" relay host "smtp://127.0.0.1:${behind.port}"`,
        `action "out" relay host "smtp://127.0.0.1:${catcher.port}"`,
      ],
      matches: [
        `match from any for domain "${domain}" action "behind"`,
        `match from local for domain "${probeDomain}" action "out"`,
      ],
    })
    const ids = ['rcpt-late-rejection', 'no-backscatter-unknown']
    const report = await examine(server, ids, { maySend, catching, limits })
    assertFindings(report, {
      'rcpt-late-rejection': 'violated accept-then-bounce',
      'no-backscatter-unknown': 'violated bounced',
    })
    const [found] = await returnsOf(catching, 'no-backscatter-unknown')
    assert.match(JSON.stringify(found?.returned), /failed.*550 5\.1\.1/)
    await behind.close()
  })
})
