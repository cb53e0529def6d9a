// A relay that can be measured, Pforte among them: started in a folder of its own, on loopback, with one
// domain whose mail goes to one port.

/** What some cannot do is not measured with them. */
export type Ability =
  /** Recipients are asked for at the next hop before they are accepted. */
  | 'verifies'
  /** With the next hop down, mail to a known recipient is accepted and kept, synced to the disk. */
  | 'keeps'
  | 'starttls'
  /** It has mail at all: what it holds is a session, not a stream of bytes. */
  | 'sessions'

export interface PeerOptions {
  readonly domain: string
  /** Of the next hop. */
  readonly targetPort: number
  /** PEM files for STARTTLS. */
  readonly certificate: { readonly certificatePath: string; readonly keyPath: string }
}

export interface Peer {
  readonly name: string
  /** As the program tells it. */
  readonly version: string
  /** What a 250 to the content means, and whether recipients are asked for. */
  readonly note: string
  readonly abilities: ReadonlySet<Ability>
  /** Idle sessions it takes as it is configured here. */
  readonly maxSessionCount: number
  readonly start: (options: PeerOptions) => Promise<RunningPeer>
}

export interface RunningPeer extends AsyncDisposable {
  readonly port: number
  /** Its processes descend from this one. */
  readonly pid: number
}
