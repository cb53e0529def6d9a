// What happened to the program as a whole: started, reloaded, drained, stopped.

export interface ListenerAddress {
  readonly address: string
  readonly port: number
}

export type AppEvent =
  | {
      readonly kind: 'started'
      readonly hostname: string
      /** As configured; `listening` names the ports really bound. */
      readonly listeners: readonly ListenerAddress[]
      readonly version: string
    }
  /** One for each socket, with the port really bound. */
  | {
      readonly kind: 'listening'
      readonly listener: ListenerAddress
      readonly service: 'smtp' | 'metrics' | 'catcher'
    }
  /** `needsRestart`: keys that changed in the file and take effect only at the next start. */
  | { readonly kind: 'config-reloaded'; readonly needsRestart: readonly string[] }
  /** The old configuration stays in force. */
  | { readonly kind: 'config-reload-failed'; readonly problems: readonly string[] }
  | { readonly kind: 'certificates-reloaded' }
  /** The old certificates stay in use. */
  | { readonly kind: 'certificates-failed'; readonly detail: string }
  /** Connections that had come, and that the system could not give: since the event before, up to now. */
  | { readonly kind: 'accept-failed'; readonly count: number; readonly detail: string }
  /** `entryCount`: lines of `policy.exceptions`. */
  | { readonly kind: 'exceptions-reloaded'; readonly entryCount: number }
  /** The list before stays in force. */
  | { readonly kind: 'exceptions-failed'; readonly detail: string }
  /** A process of the relay: `coordinator`, `worker-1`. */
  | { readonly kind: 'process-started'; readonly name: string; readonly pid: number }
  /** It was asked to. `how`: exit code, or the signal that ended it. */
  | {
      readonly kind: 'process-ended'
      readonly name: string
      readonly pid: number
      readonly how: string
    }
  /** Nobody asked it to end, or it had to be killed. */
  | {
      readonly kind: 'process-lost'
      readonly name: string
      readonly pid: number
      readonly how: string
    }
  /** Of a process that has begun; fewer mails than configured when real sessions came between. */
  | { readonly kind: 'rehearsed'; readonly mailCount: number; readonly tookMs: number }
  /** The relay does without. */
  | { readonly kind: 'rehearsal-failed'; readonly detail: string }
  | { readonly kind: 'draining'; readonly sessionCount: number }
  | { readonly kind: 'stopped' }
