// Group D: what is refused after DATA. The servers take the content; `final` answers it.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import {
  describeCheck,
  examine,
  examinedServer,
  goodRcpt,
  site,
  type ExaminedOptions,
} from '../../../test/support/examined-server.ts'
import { startScriptedServer } from '../../../test/support/hostile-server.ts'
import { temporaryFolder } from '../../../test/support/temporary-folder.ts'
import { catalogue } from '#compliance/catalogue.ts'
import { storedZip } from '#compliance/stored-zip.ts'
import { data8bit } from './data-8bit/check.ts'
import { dataAttachment } from './data-attachment/check.ts'
import { dataClean } from './data-clean/check.ts'
import { dataHeaderSyntax } from './data-header-syntax/check.ts'
import { dataLongLine } from './data-long-line/check.ts'
import { dataManyReceived } from './data-many-received/check.ts'
import { dataResponseTime } from './data-response-time/check.ts'
import { dataSpam } from './data-spam/check.ts'
import { dataSpf } from './data-spf/check.ts'
import { dataVirus } from './data-virus/check.ts'
import { noDmarcReject } from './no-dmarc-reject/check.ts'
import { rcptLateRejection } from './rcpt-late-rejection/check.ts'
import { sizeReal } from './size-real/check.ts'
import { smuggling } from './smuggling/check.ts'
import { transparency } from './transparency/check.ts'

const maySend = true
const takes: ExaminedOptions = { final: () => '250 2.0.0 Ok' }
const finds = (pattern: RegExp, reply: string): ExaminedOptions => ({
  final: (content) => (pattern.test(content.toString('latin1')) ? reply : '250 2.0.0 Ok'),
})

describeCheck(dataClean, [
  {
    name: 'accepted, and says what it is',
    server: takes,
    maySend,
    kind: 'met',
    also: (_finding, _report, server) => {
      const mail = server.connections.flatMap(({ contents }) => contents).join('')
      for (const line of [
        /^Date: /m,
        /^Message-ID: <.+@mailrelay1\.example\.org>\r$/m,
        /^Auto-Submitted: auto-generated\r$/m,
        /^To: <anna@inst\.example>\r$/m,
      ]) {
        assert.match(mail, line)
      }
    },
  },
  {
    name: 'nobody agreed',
    server: takes,
    kind: 'not-applicable',
    subtype: 'needs-send',
    also: (_finding, _report, server) => assert.equal(server.connections.length, 0),
  },
  {
    name: 'refused',
    server: finds(/^/, '554 5.7.1 No'),
    maySend,
    kind: 'violated',
    subtype: 'data-rejection',
    also: (_finding, { profile }) => assert.equal(profile.refusesAtData, true),
  },
  {
    name: 'deferred',
    server: finds(/^/, '451 4.3.0 Later'),
    maySend,
    kind: 'violated',
    subtype: 'data-tempfail',
  },
  {
    name: 'hangs up',
    server: { final: () => null },
    maySend,
    kind: 'undetermined',
    subtype: 'no-reply',
  },
])

const cases = [
  [dataSpam, /GTUBE-STANDARD/, '550 5.7.1 Blocked by SpamAssassin'],
  // base64 of the beginning of the file, as a scanner decodes it
  [dataVirus, /WDVPIVAlQEFQ/, '550 5.7.1 Message infected'],
  [dataAttachment, /filename="setup\.exe"/, '550 5.7.1 Attachment not allowed'],
  [dataLongLine, /[^\r\n]{999}/, '550 maximum allowed line length is 998 octets, got 1200'],
  [dataHeaderSyntax, /^To: undisclosed recipients, foo@\r$/m, '550 header syntax'],
  [data8bit, /\u00fc/, '554 5.6.0 8-bit data without MIME'],
  [dataManyReceived, /(?:^Received: .*\r\n){26}/m, '554 5.4.6 Too many hops'],
  [noDmarcReject, /^From: .*@example\.com>/m, '550 5.7.1 rejected by DMARC policy'],
] as const
for (const [check, pattern, reply] of cases) {
  describeCheck(check, [
    { name: 'accepted', server: takes, maySend, kind: 'met' },
    {
      name: reply,
      server: finds(pattern, reply),
      maySend,
      kind: 'violated',
      subtype: 'data-rejection',
    },
  ])
}

// Scanners that look into archives only, or at names only.
for (const [check, pattern, reply] of [
  [dataVirus, /filename="eicar\.zip"/, '550 5.7.1 Message infected'],
  [dataAttachment, /filename="setup\.zip"/, '550 5.7.1 Program in an archive'],
  [dataAttachment, /filename="report\.docm"/, '550 5.7.1 Macros are not allowed'],
] as const) {
  test(`${check.id}: ${reply}`, async () => {
    const server = await startScriptedServer(examinedServer(finds(pattern, reply)))
    const { outcomes } = await examine([check], server.port, { maySend })
    await server.close()
    assert.equal(outcomes[0]?.finding.subtype, 'data-rejection')
  })
}

test('the archive with the test file can be read', async () => {
  await using folder = await temporaryFolder()
  const archive = path.join(folder.path, 'a.zip')
  await writeFile(archive, storedZip('hello.txt', Buffer.from('hello\r\n')))
  const read = spawnSync('python3', ['-m', 'zipfile', '-t', archive], { encoding: 'utf8' })
  if (read.error === undefined) assert.match(read.stdout, /^Done testing/)
  assert.match((await readFile(archive)).toString('latin1'), /^PK[^]*hello\.txthello/)
})

describeCheck(dataSpf, [
  { name: 'accepted', server: takes, maySend, kind: 'met' },
  {
    name: 'a filter of contents refuses',
    server: {
      final: (_content, { from }) =>
        from === 'x@example.com' ? '550 5.7.23 SPF validation failed' : '250 2.0.0 Ok',
    },
    maySend,
    kind: 'violated',
    subtype: 'data-rejection',
  },
])

// Whoever refuses every mail refuses these too, and says nothing of SPF or DMARC by it.
for (const check of [dataSpf, noDmarcReject]) {
  for (const reply of ['554 5.7.1 No', '451 4.3.0 Disk full']) {
    test(`${check.id}: ${reply} to any mail`, async () => {
      const server = await startScriptedServer(examinedServer(finds(/^/, reply)))
      const { outcomes, profile } = await examine([check], server.port, { maySend })
      await server.close()
      const finding = outcomes[0]?.finding
      assert.deepEqual([finding?.kind, finding?.subtype], ['undetermined', 'no-difference'])
      assert.equal(profile.refusesAtData, true)
    })
  }
}

describeCheck(transparency, [
  {
    name: 'the dialog goes on',
    server: takes,
    maySend,
    kind: 'met',
    also: (_finding, _report, server) => {
      const [content = ''] = server.connections.flatMap(({ contents }) => contents)
      assert.match(String(content), /\r\n\.\.\r\n\.\.x\r\n\.\.\.\r\nend\r\n/)
    },
  },
  {
    name: 'a line of two dots ends it',
    server: {
      final: () => '250 2.0.0 Ok',
      data: async (_line, { connection }) => {
        await connection.send('354 Go ahead\r\n')
        while (!(await connection.expect(/^/)).startsWith('.'));
        return '250 2.0.0 Ok: queued\r\n'
      },
    },
    maySend,
    kind: 'violated',
    subtype: 'out-of-step',
  },
  { name: 'nobody agreed', server: takes, kind: 'not-applicable', subtype: 'needs-send' },
])

describeCheck(dataResponseTime, [
  { name: 'at once', server: takes, maySend, kind: 'met' },
  { name: 'never', server: { final: () => null }, maySend, kind: 'violated', subtype: 'no-reply' },
])

describeCheck(rcptLateRejection, [
  { name: 'refused at RCPT', server: takes, maySend, kind: 'met' },
  {
    name: 'Exchange’s front end: after the content',
    server: {
      rcpt: () => '250 Ok',
      final: () => '550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found',
    },
    maySend,
    kind: 'violated',
    subtype: 'late-rejection',
  },
  {
    name: 'catch-all, bounce or discard: nobody can tell',
    server: { ...takes, rcpt: () => '250 Ok' },
    maySend,
    kind: 'undetermined',
    subtype: 'catch-all-bounce-or-discard',
  },
])

describeCheck(sizeReal, [
  {
    name: 'accepted, exactly 52,428,800 bytes',
    server: {
      final: (content) => (content.length === 52_428_800 + 3 ? '250 Ok' : `554 ${content.length}`),
    },
    maySend,
    limits: { replyTimeoutMs: 20_000 },
    kind: 'met',
  },
  {
    name: 'too big for a filter',
    server: { final: () => '552 5.3.4 Message too big' },
    maySend,
    kind: 'violated',
  },
  {
    name: 'quota',
    server: { final: () => '552 5.2.2 Over quota' },
    maySend,
    kind: 'undetermined',
    subtype: 'quota',
  },
])

describeCheck(smuggling, [
  { name: 'only the right end counts', server: takes, maySend, kind: 'met' },
  {
    name: 'LF.LF ends it',
    server: {
      other: () => '250 Ok',
      final: () => '250 2.0.0 Ok',
      data: async (_line, { connection }) => {
        // Reads line by line as a server would that takes LF for a line end.
        await connection.send('354 Go ahead\r\n')
        while ((await connection.expect(/^/)) !== '.');
        return '250 2.0.0 Ok: queued\r\n'
      },
    },
    maySend,
    kind: 'violated',
  },
])

test('without consent no check sends anything', async () => {
  const server = await startScriptedServer(examinedServer({ ...takes, rcpt: goodRcpt }))
  const sending = catalogue.filter(({ needs }) => needs.includes('send'))
  const report = await examine(sending, server.port, { target: { existing: [site.existing] } })
  assert.ok(sending.length > 10)
  assert.ok(report.outcomes.every(({ finding }) => finding.subtype === 'needs-send'))
  assert.equal(server.connections.length, 0)
  await server.close()
})
