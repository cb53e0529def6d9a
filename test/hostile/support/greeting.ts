// What the attacks on the greeting stage have in common: clients of many addresses, and what became of them.

import { startInstituteServer, type InstituteServer } from '../../../demo/institute-server.ts'
import { endpointOf, sendMail, type SentMail } from '../../e2e/support/mail.ts'
import { connectRaw, type RawClient } from '../../support/raw-client.ts'
import { startRelay, type RelayOptions, type TestRelay } from '../../support/relay.ts'

export interface GreetingSite extends AsyncDisposable {
  readonly institute: InstituteServer
  readonly relay: TestRelay
}

/** Loopback is not exempt here: the attackers have no other addresses. */
export async function startSite(
  greeting: Readonly<Record<string, unknown>>,
  options: Partial<RelayOptions> = {},
): Promise<GreetingSite> {
  const institute = await startInstituteServer({ mailboxes: 'all' })
  const relay = await startRelay({
    domains: [{ domain: 'inst.example', to: endpointOf(institute) }],
    ...options,
    config: { greeting: { exempt: [], ...greeting }, ...options.config },
  }).catch(async (error: unknown) => {
    await institute.close()
    throw error
  })
  return {
    institute,
    relay,
    [Symbol.asyncDispose]: async () => {
      await relay[Symbol.asyncDispose]()
      await institute.close()
    },
  }
}

export interface Greeted extends AsyncDisposable {
  readonly client: RawClient
  /** The first reply, lines joined. */
  readonly banner: string
  readonly tookMs: number
}

/** Connects from that address and waits for the banner, or for what comes in its place. */
export async function greet(
  relay: { readonly port: number },
  localAddress: string,
  address = '127.0.0.1',
): Promise<Greeted> {
  const startedMs = performance.now()
  const client = await connectRaw({ port: relay.port, address, localAddress })
  const banner = await client.expect()
  const tookMs = performance.now() - startedMs
  return { client, banner, tookMs, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() }
}

/** Throws when it does not get so far. */
export async function sendFrom(relay: TestRelay, localAddress: string): Promise<SentMail> {
  await using greeted = await greet(relay, localAddress)
  await greeted.client.command('EHLO client.example', 250)
  const sent = await sendMail(greeted.client, { to: 'a@inst.example' })
  await greeted.client.command('QUIT', 221)
  return sent
}

/** The first event of that kind about that client. */
export async function eventOf(
  relay: TestRelay,
  kind: string,
  address: string,
): Promise<Readonly<Record<string, unknown>>> {
  return await relay.waitForEvent(
    (event) => event['event'] === kind && event['clientAddress'] === address,
  )
}

/** Lines are written in batches: whatever has happened is in the log by then. */
export async function untilLogged(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 250))
}

/** Many clients at once, in the order of their addresses. */
export async function greetAll(
  relay: TestRelay,
  addresses: readonly string[],
): Promise<readonly Greeted[]> {
  return await Promise.all(addresses.map((address) => greet(relay, address)))
}

export async function closeAll(greeted: readonly Greeted[]): Promise<void> {
  await Promise.all(greeted.map((each) => each[Symbol.asyncDispose]()))
}
