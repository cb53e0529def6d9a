// Events that somebody acts on, on their way to telemetry: a module that emits does not know who listens.

import type { Alert } from '#alert/alert.ts'
import type { LateRefusalEvent } from '#handover/handover.ts'
import type { PforteEvent, Telemetry } from '#telemetry/telemetry.ts'

export interface WireEnds {
  /** Another state of a target than before. `routeId`: Route.id. */
  readonly onTargetDown: (routeId: string) => void
  readonly onTargetUp: (routeId: string) => void
  /** Recipients went to the hold while their client waited. */
  readonly onHeld: (alert: Alert) => void
  /** A server has refused what it had accepted, while the client waited. */
  readonly onLateRefusal: (seen: LateRefusalEvent) => void
}

export class Wires {
  readonly #telemetry: Telemetry
  #ends: WireEnds | null = null

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry
  }

  /** What happens before is only told to telemetry. */
  connect(ends: WireEnds): void {
    this.#ends = ends
  }

  readonly emit = (event: PforteEvent): void => {
    this.#telemetry.emit(event)
    if (event.kind === 'next-hop-up') this.#ends?.onTargetUp(event.route)
    else if (event.kind === 'next-hop-down') this.#ends?.onTargetDown(event.route)
    else if (event.kind === 'late-refusal') this.#ends?.onLateRefusal(event)
    else if (event.kind === 'mail-finished' && event.takenOver.length > 0) this.#tellHeld(event)
  }

  #tellHeld(event: Extract<PforteEvent, { readonly kind: 'mail-finished' }>): void {
    for (const { recipient, fate, reply } of event.takenOver) {
      if (fate !== 'held') continue
      const domain = recipient.slice(recipient.lastIndexOf('@') + 1)
      const facts = { domain, id: event.mail, recipients: [recipient], reply }
      this.#ends?.onHeld({ kind: 'mail-held', reason: 'refused', ...facts })
    }
  }
}
