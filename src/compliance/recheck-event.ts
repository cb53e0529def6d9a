// What is told of servers that were looked at again.

import type { FindingKind, Severity } from './check.ts'

interface About {
  /** A-label. */
  readonly domain: string
  /** `mail.inst.example:25` */
  readonly server: string
}

export type RecheckEvent =
  | (About & {
      readonly kind: 'recheck-finished'
      readonly checkCount: number
      /** Verdicts seen once that differ from those that stand. */
      readonly suspicionCount: number
      readonly tookMs: number
    })
  /** Nothing was found out. `detail`: why, for people. */
  | (About & { readonly kind: 'recheck-failed'; readonly detail: string })
  /** Seen twice. */
  | (About & {
      readonly kind: 'verdict-changed'
      readonly check: string
      readonly severity: Severity
      readonly was: FindingKind
      readonly verdict: FindingKind
      /** What was seen; cleaned. */
      readonly detail: string
    })
