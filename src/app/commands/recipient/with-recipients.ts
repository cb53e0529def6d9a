// What every recipient command does first and last: read the address, open what it needs, close it, and
// tell a failing store to people.

import { cleanLine } from '#base/text.ts'
import type { Config } from '#config/config.ts'
import { RecipientStoreError } from '#recipients/recipient-store.ts'
import type { Recipients } from '#recipients/recipients.ts'
import { subjectOf } from '#recipients/subject.ts'
import type { Registry, ServedDomain } from '#registry/registry.ts'
import { parseMailbox } from '#smtp/parse-path.ts'
import type { Mailbox } from '#smtp/path.ts'
import { CommandError, UsageError, type CommandIo } from '#app/command.ts'
import { configOption, loadCommandConfig } from '#app/command-config.ts'
import type { ToolboxEvent } from '#app/toolbox.ts'
import { findServed } from '#app/commands/domain/store.ts'

export const commonOptions: typeof configOption & {
  readonly json: { readonly type: 'boolean' }
} = { ...configOption, json: { type: 'boolean' } }

export interface RecipientTools extends AsyncDisposable {
  readonly registry: Registry
  readonly recipients: Recipients
}

/** Opens registry and recipients for one command. */
export type OpenTools = (
  config: Config,
  emit: (event: ToolboxEvent) => void,
) => Promise<RecipientTools>

export async function withRecipients<Value>(
  options: {
    readonly config: string | undefined
    readonly io: CommandIo
    readonly open: OpenTools
  },
  work: (tools: RecipientTools, config: Config) => Value | Promise<Value>,
): Promise<Value> {
  const { config } = await loadCommandConfig(options.config, options.io)
  const { io } = options
  await using tools = await options.open(config, (event) => {
    if (event.kind === 'recipient-store-failed') {
      io.stderr(`warning: recipients.db in ${config.state} cannot be used: ${event.error}\n`)
    }
  })
  // A question under way ends at once, as unknown.
  const onAbort = (): void => void tools.recipients.close()
  io.signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await work(tools, config)
  } catch (error) {
    if (!(error instanceof RecipientStoreError)) throw error
    const advice = `look at recipients.db in ${config.state}, and run the command as the user of the relay`
    throw new CommandError(`${error.message}; ${advice}`, 1, { cause: error })
  } finally {
    io.signal.removeEventListener('abort', onAbort)
  }
}

/** The one argument that names a mailbox; angle brackets around it do no harm. */
export function addressArgument(positionals: readonly string[]): Mailbox {
  const [text, ...more] = positionals
  if (text === undefined) throw new UsageError('name the address')
  if (more.length > 0) {
    throw new UsageError(`one address at a time; '${cleanLine(more[0] ?? '', 80)}' is too much`)
  }
  const mailbox = parseMailbox(text.replace(/^<(.*)>$/, '$1'))
  if (!mailbox.ok) throw new UsageError(`'${cleanLine(text, 80)}': ${mailbox.problem}`)
  return mailbox.value
}

/** The served domain of a mailbox, and the mailbox that is asked for. CommandError if not served. */
export function subjectIn(
  registry: Registry,
  mailbox: Mailbox,
): { readonly domain: ServedDomain; readonly subject: Mailbox } {
  const domain = findServed(registry, mailbox.domain)
  return { domain, subject: subjectOf(domain, mailbox) }
}
