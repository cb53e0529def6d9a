// A relay that was killed in an outage with mails in its spool: the starting point of what can happen to a
// spool between two starts.

import path from 'node:path'
import { startInstituteServer, type InstituteServer } from '../../../demo/institute-server.ts'
import { startRelay, type TestRelay } from '../../support/relay.ts'
import { readSpool, type SpooledRecipient } from '../../support/read-spool.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { endpointOf, sendOneMail } from '../../e2e/support/mail.ts'
import { contentNamed, makeKnown, quick } from '../../e2e/support/outage.ts'

export const recipient = 'a@inst.example'

export interface SpooledOutage extends AsyncDisposable {
  readonly folder: string
  /** `<state>/spool`. */
  readonly spoolFolder: string
  /** Still down. */
  readonly institute: InstituteServer
  readonly spool: () => readonly SpooledRecipient[]
  /** Another start in the same folder; one at a time. */
  readonly start: (environment?: Readonly<Record<string, string>>) => Promise<TestRelay>
}

/** One mail for each subject got 250; those that begin with `large` have a content file. */
export async function spooledOutage(subjects: readonly string[]): Promise<SpooledOutage> {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(await temporaryFolder())
  const institute = stack.use(await startInstituteServer({ mailboxes: [recipient] }))
  const domains = [{ domain: 'inst.example', to: endpointOf(institute) }]
  await using relay = await startRelay({ domains, config: quick, folder: folder.path })
  await makeKnown(relay, [recipient])
  await institute.pause()
  for (const subject of subjects) {
    const sent = await sendOneMail(relay, { to: recipient, content: contentOf(subject) })
    if (sent.final?.startsWith('250') !== true) throw new Error(`not taken: ${sent.final}`)
  }
  relay.signal('SIGKILL')
  await relay.ended
  const state = path.join(folder.path, 'state')
  const opened = stack.move()
  return {
    folder: folder.path,
    spoolFolder: path.join(state, 'spool'),
    institute,
    spool: () => readSpool(state),
    start: (environment = {}) =>
      startRelay({ domains: [], config: quick, folder: folder.path, environment }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** Wire form without the end mark. */
export function contentOf(subject: string): string {
  const lineCount = subject.startsWith('large') ? 9000 : 5
  const lines = Array.from(
    { length: lineCount },
    (_, index) => `line ${index} of ${subject} ${'x'.repeat(40)}`,
  )
  return `${contentNamed(subject)}${lines.join('\r\n')}\r\n`
}
