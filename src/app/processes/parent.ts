// A child's side of the channel to the supervisor: orders come in, "ready" goes out. When the supervisor is
// gone, the child ends too.

/** What the supervisor says to a child. */
export type SupervisorMessage =
  | {
      readonly kind: 'begin'
      /** Of a worker: which of how many; 0 of 1 for the coordinator. */
      readonly index: number
      readonly count: number
      /** Ports as bound; their sockets are the descriptors from `firstDescriptor` on. */
      readonly ports: readonly { readonly address: string; readonly port: number }[]
      /** 48 bytes in base64. */
      readonly ticketKeys: string
    }
  | { readonly kind: 'ticket-keys'; readonly ticketKeys: string }
  /** Finish what is in progress, then end. */
  | { readonly kind: 'stop' }

export type ChildMessage = { readonly kind: 'ready' }

/** Behind standard input, output, error and the channel. */
export const firstDescriptor = 4

export interface Parent {
  readonly begin: Extract<SupervisorMessage, { readonly kind: 'begin' }>
  readonly onTicketKeys: (take: (keys: Buffer) => void) => void
  /** Resolves when this process is to end. */
  readonly stopped: Promise<void>
  readonly ready: () => void
}

/** Rejects when there is no supervisor. */
export function connectParent(): Promise<Parent> {
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>()
  let takeKeys: (keys: Buffer) => void = () => undefined
  return new Promise((resolve, reject) => {
    if (process.send === undefined) {
      reject(new Error('this is a part of the relay: start it with pforte serve'))
      return
    }
    process.on('message', (message: SupervisorMessage) => {
      if (message.kind === 'begin') {
        resolve({
          begin: message,
          onTicketKeys: (take) => (takeKeys = take),
          stopped,
          ready: () => void process.send?.({ kind: 'ready' } satisfies ChildMessage),
        })
      } else if (message.kind === 'ticket-keys') {
        takeKeys(Buffer.from(message.ticketKeys, 'base64'))
      } else stop()
    })
    process.on('disconnect', () => stop())
  })
}
