// Everything that can happen in Pforte: the event unions of all modules together.

import type { AlertEvent } from '#alert/alert.ts'
import type { AppEvent } from '#app/app-event.ts'
import type { CatcherEvent } from '#catcher/catcher.ts'
import type { RecheckEvent } from '#compliance/recheck-event.ts'
import type { DeliveryEvent } from '#delivery/delivery.ts'
import type { GreetingEvent } from '#greeting/greeting.ts'
import type { GreylistEvent } from '#greylist/greylist.ts'
import type { LateRefusalEvent } from '#handover/handover.ts'
import type { IntakeEvent } from '#intake/intake-event.ts'
import type { LoadEvent } from '#load/load.ts'
import type { NextHopEvent } from '#nexthop/nexthop.ts'
import type { RecipientEvent } from '#recipients/recipients.ts'
import type { RegistryEvent } from '#registry/registry.ts'
import type { SpoolEvent } from '#spool/spool.ts'

/** What happens outside of sessions. */
export type ModuleEvent =
  | AlertEvent
  | AppEvent
  | CatcherEvent
  | DeliveryEvent
  | GreetingEvent
  | GreylistEvent
  | LateRefusalEvent
  | LoadEvent
  | NextHopEvent
  | RecheckEvent
  | RecipientEvent
  | RegistryEvent
  | SpoolEvent

export type PforteEvent = IntakeEvent | ModuleEvent

export type EventKind = PforteEvent['kind']

export type EventOfKind<Kind extends EventKind> = Extract<PforteEvent, { readonly kind: Kind }>

const intakeKinds: Readonly<Record<IntakeEvent['kind'], true>> = {
  'session-opened': true,
  'session-refused': true,
  'strain-began': true,
  'strain-ended': true,
  'guessing-seen': true,
  greeted: true,
  'tls-established': true,
  'tls-failed': true,
  'sender-judged': true,
  'recipient-judged': true,
  'rule-observed': true,
  'greylist-passed': true,
  'mail-finished': true,
  'protocol-error': true,
  'session-closed': true,
  'internal-error': true,
}

export function isIntakeEvent(event: PforteEvent): event is IntakeEvent {
  return Object.hasOwn(intakeKinds, event.kind)
}
