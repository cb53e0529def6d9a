// Servers that nobody sells, played by Postfix's smtp-sink: what matters is said after the content.

import { findPrograms, prefixOf, skipReason } from '../interop/support/programs.ts'
import { freePort, makeFolder, removeFolder, startDaemon } from '../interop/support/daemon.ts'
import { testRows, type RealServer, type Row } from './support/examine.ts'

const programs = findPrograms('postfix')
const skip = skipReason(programs, 'postfix')

/** Everybody is accepted at RCPT; `options` say what goes wrong. */
async function startSink(options: readonly string[]): Promise<RealServer> {
  const prefix = prefixOf(programs, 'postfix')
  const folder = makeFolder('smtp-sink')
  const port = await freePort()
  const environment = [`LD_LIBRARY_PATH=${prefix}/usr/lib/postfix`, 'LC_ALL=C']
  const sink = [`${prefix}/usr/sbin/smtp-sink`, '-u', 'mail', '-h', 'mail.inst.example', ...options]
  const command = ['env', ...environment, ...sink, `127.0.0.1:${port}`, '100']
  const daemon = await startDaemon({ command, folder, port, user: 'root' })
  return {
    port,
    log: daemon.log,
    async [Symbol.asyncDispose](): Promise<void> {
      await daemon[Symbol.asyncDispose]()
      removeFolder(folder)
    },
  }
}

const notFound =
  '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup'

const rows: readonly Row<readonly string[]>[] = [
  {
    name: 'unknown recipients are refused after the content, as Exchange’s front end does',
    configuration: ['-B', notFound, '-f', '.'],
    maySend: true,
    expected: {
      'rcpt-unknown-rejected': 'violated accepts-unknown',
      'rcpt-late-rejection': 'violated late-rejection',
      'data-clean': 'violated data-rejection',
    },
  },
  {
    name: 'every content is deferred',
    configuration: ['-r', '.'],
    maySend: true,
    expected: {
      'rcpt-late-rejection': 'violated data-tempfail',
      'data-clean': 'violated data-tempfail',
    },
  },
  {
    name: 'everybody is accepted, and nothing is known of what becomes of it',
    configuration: [],
    maySend: true,
    expected: {
      'rcpt-unknown-rejected': 'violated accepts-unknown',
      'rcpt-late-rejection': 'undetermined catch-all-bounce-or-discard',
      'data-spam': 'met',
    },
  },
  {
    name: 'it hangs up at DATA',
    configuration: ['-q', 'data'],
    maySend: true,
    expected: { 'rcpt-existing-accepted': 'met', 'data-clean': 'undetermined' },
  },
]

testRows(
  { program: 'smtp-sink', skip, start: startSink, apply: (configuration) => configuration },
  rows,
)
