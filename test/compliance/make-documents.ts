// Makes docs/check-transcript.md and the pictures docs/check-report-{de,en}.png anew: `node test/compliance/make-documents.ts`.
// A real Postfix with some common faults is examined by the real command, in a terminal and as HTML. Needs Debian's
// packages as the tests here do, `script` of util-linux, and chromium for the pictures.

import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify, stripVTControlCharacters } from 'node:util'
import { findPrograms, prefixOf } from '../interop/support/programs.ts'
import { createAuthority } from '../support/certificates.ts'
import { startDnsServer } from '../support/dns-server.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { existing, mailHost, unknown } from './support/examine.ts'
import { startGreylist } from './support/policy-server.ts'
import { startExaminedPostfix } from './support/postfix.ts'

const run = promisify(execFile)
const project = join(import.meta.dirname, '../..')
const documents = join(project, 'docs')

await using authority = await createAuthority()
await using folder = await temporaryFolder()
await using greylist = await startGreylist(60_000)
const leaf = await authority.issue({ names: [mailHost], isExpired: true })
await using server = await startExaminedPostfix(prefixOf(findPrograms('postfix'), 'postfix'), {
  mainCf: [
    'message_size_limit = 10240000',
    'unknown_local_recipient_reject_code = 450',
    `smtpd_recipient_restrictions = reject_unlisted_recipient, check_policy_service inet:127.0.0.1:${greylist.port}`,
    `smtpd_tls_chain_files = ${leaf.keyPath}, ${leaf.certificatePath}`,
    'smtpd_tls_security_level = may',
  ],
})
await using zone = await startDnsServer({ [mailHost]: { a: ['127.0.0.1'] } })

const shown = words(`check ${mailHost} --existing ${existing} --unknown ${unknown}
  --network 129.187.254.0/23 --network 2001:4ca0:0:103::/64`)
const onlyHere =
  words(`--port ${server.port} --resolver ${zone.address} --ca ${authority.ca.certificatePath}
  --hello mailrelay1.example.org --sender-domain probe.example.org --patience 5s`)

function words(line: string): readonly string[] {
  return line.split(/\s+/)
}

await writeTranscript()
for (const language of ['de', 'en']) await takePicture(language)

async function pforte(more: readonly string[]): Promise<string> {
  return outputOf(join(project, 'bin/pforte'), [...shown, ...onlyHere, ...more])
}

/** Exit code 1 says that something is violated, as it shall be here. */
async function outputOf(program: string, parameters: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { maxBuffer: 64 * 1024 * 1024 }
    execFile(program, parameters, options, (error, output) => {
      if (error !== null && error.code !== 1) reject(error)
      else resolve(output)
    })
  })
}

async function writeTranscript(): Promise<void> {
  const command = [join(project, 'bin/pforte'), ...shown, ...onlyHere]
  const quoted = command.map((word) => `'${word}'`).join(' ')
  const recorded = await outputOf('script', ['-qec', quoted, '/dev/null'])
  const text = [
    '# A run of `pforte check` in a terminal',
    '',
    'Made by `node test/compliance/make-documents.ts`: a real Postfix on loopback that takes 10 MB at most, defers unknown',
    'recipients, greylists, and whose certificate has expired. First the live progress, a line a check; then the report.',
    '',
    '```text',
    `$ pforte ${shown.join(' ')}`,
    ...lastOfEachLine(recorded),
    '```',
    '',
  ]
  await writeFile(join(documents, 'check-transcript.md'), text.join('\n'))
}

/** What is left on the screen: the spinner was written over. */
function lastOfEachLine(recorded: string): readonly string[] {
  const lines = recorded.trimEnd().split(/\r?\n/)
  return lines.map((line) => stripVTControlCharacters(line.split('\r').at(-1) ?? '').trimEnd())
}

async function takePicture(language: string): Promise<void> {
  const page = join(folder.path, `${language}.html`)
  await writeFile(page, await pforte(['--html', '--lang', language]))
  const picture = join(documents, `check-report-${language}.png`)
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars']
  const size = ['--window-size=880,1180', `--user-data-dir=${folder.path}/chromium`]
  await run('chromium', [...flags, ...size, `--screenshot=${picture}`, `file://${page}`])
}
