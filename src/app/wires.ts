// Events that other modules act on, on their way to telemetry: a module that emits does not know who listens.

import type { Alerts } from '#alert/alert.ts'
import type { Delivery } from '#delivery/delivery.ts'
import type { PforteEvent, Telemetry } from '#telemetry/telemetry.ts'

export class Wires {
  readonly #telemetry: Telemetry
  #delivery: Delivery | null = null
  #alerts: Alerts | null = null

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry
  }

  connect(delivery: Delivery, alerts: Alerts): void {
    this.#delivery = delivery
    this.#alerts = alerts
  }

  readonly emit = (event: PforteEvent): void => {
    this.#telemetry.emit(event)
    if (event.kind === 'next-hop-up') this.#delivery?.targetIsUp(event.route)
    else if (event.kind === 'mail-finished') this.#tellHeld(event)
  }

  #tellHeld(event: Extract<PforteEvent, { readonly kind: 'mail-finished' }>): void {
    for (const { recipient, fate, reply } of event.takenOver) {
      if (fate !== 'held') continue
      const domain = recipient.slice(recipient.lastIndexOf('@') + 1)
      const facts = { domain, id: event.mail, recipients: [recipient], reply }
      this.#alerts?.raise({ kind: 'mail-held', reason: 'refused', ...facts })
    }
  }
}
