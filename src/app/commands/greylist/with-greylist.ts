// What every greylist command does first and last: read what is named, open the store, and tell a failing one to
// people.

import { addressBits, firstOf } from '#base/network.ts'
import { cleanLine } from '#base/text.ts'
import type { Config } from '#config/config.ts'
import type { Attempt } from '#greylist/greylist.ts'
import { openGreylistTools, type GreylistTools } from '#greylist/greylist-tools.ts'
import { parseMailbox } from '#smtp/parse-path.ts'
import { encodeMailbox, type Mailbox } from '#smtp/path.ts'
import { CommandError, UsageError, type CommandIo } from '#app/command.ts'
import { configOption, loadCommandConfig } from '#app/command-config.ts'

export const commonOptions: typeof configOption & {
  readonly json: { readonly type: 'boolean' }
} = { ...configOption, json: { type: 'boolean' } }

/** A whole network, or one triple. */
export type Subject =
  | { readonly kind: 'network'; readonly clientAddress: string }
  | { readonly kind: 'triple'; readonly attempt: Attempt }

export const subjectUsage = `CLIENT is an address, of which the network counts (/24, or /64 of IPv6), or such
a network. With SENDER and RECIPIENT it is that triple, else the network. <> is
the null sender. Of triples only hashes are kept, so they have to be named.
`

/** Throws a CommandError when there is no store, or it cannot be used. */
export async function withGreylist(
  options: { readonly config: string | undefined; readonly io: CommandIo },
  work: (tools: GreylistTools, config: Config) => number,
): Promise<number> {
  const { config } = await loadCommandConfig(options.config, options.io)
  try {
    using tools = openGreylistTools(config.state)
    if (tools === null) {
      throw new CommandError(
        `there is no greylist.db in ${config.state} yet; it is made by the first mail that comes while policy.greylisting.mode is observe or defer`,
      )
    }
    return work(tools, config)
  } catch (error) {
    if (error instanceof CommandError) throw error
    const why = cleanLine(error instanceof Error ? error.message : String(error), 300)
    const advice = `look at greylist.db in ${config.state}, and run the command as the user of the relay`
    throw new CommandError(`the greylist cannot be used: ${why}; ${advice}`, 1, { cause: error })
  }
}

/** `CLIENT`, or `CLIENT SENDER RECIPIENT`. */
export function subjectOf(positionals: readonly string[]): Subject {
  const [client, sender, recipient, ...more] = positionals
  if (client === undefined) throw new UsageError('name the client, or client, sender and recipient')
  const clientAddress = clientOf(client)
  if (sender === undefined) return { kind: 'network', clientAddress }
  if (recipient === undefined || more.length > 0) {
    throw new UsageError('name the client alone, or client, sender and recipient')
  }
  const attempt = {
    clientAddress,
    sender: sender === '<>' || sender === '' ? '' : encodeMailbox(mailboxOf(sender)),
    recipient: encodeMailbox(mailboxOf(recipient)),
  }
  return { kind: 'triple', attempt }
}

export function subjectText(subject: Subject): string {
  if (subject.kind === 'network') return networkName(subject.clientAddress)
  const { clientAddress, sender, recipient } = subject.attempt
  return cleanLine(`${networkName(clientAddress)} <${sender}> <${recipient}>`, 1000)
}

/** `192.0.2.0/24`, `2001:db8:0:1::/64`. */
export function networkName(clientAddress: string): string {
  const parsed = addressBits(clientAddress)
  if (parsed === null) return cleanLine(clientAddress, 100)
  return parsed.family === 4
    ? nameOf(4, firstOf(parsed.bits, 32, 24))
    : nameOf(6, firstOf(parsed.bits, 128, 64))
}

/** Of what is stored: the first address in hexadecimal, and the length. */
export function storedNetworkName(text: string): string {
  const match = /^([\da-f]{1,32})\/(24|64)$/.exec(text)
  if (match === null) return cleanLine(text, 100)
  return nameOf(match[2] === '24' ? 4 : 6, BigInt(`0x${match[1]}`))
}

function nameOf(family: 4 | 6, bits: bigint): string {
  if (family === 4) {
    const octets = [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 0xffn)
    return `${octets.join('.')}/24`
  }
  const groups = [112n, 96n, 80n, 64n].map((shift) => ((bits >> shift) & 0xffffn).toString(16))
  const hostname = URL.parse(`http://[${groups.join(':')}::]`)?.hostname ?? ''
  return `${hostname.slice(1, -1)}/64`
}

function clientOf(text: string): string {
  const [address = '', length, ...more] = text.split('/')
  const parsed = addressBits(address)
  if (parsed === null || more.length > 0) {
    throw new UsageError(`'${cleanLine(text, 80)}' is neither an address nor a network`)
  }
  const wanted = parsed.family === 4 ? '24' : '64'
  if (length !== undefined && length !== wanted) {
    throw new UsageError(`'${cleanLine(text, 80)}': the greylist knows networks of /${wanted}`)
  }
  return address
}

function mailboxOf(text: string): Mailbox {
  const mailbox = parseMailbox(text.replace(/^<(.*)>$/, '$1'))
  if (!mailbox.ok) throw new UsageError(`'${cleanLine(text, 80)}': ${mailbox.problem}`)
  return mailbox.value
}
