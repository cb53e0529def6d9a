// What the compiler has to refuse about verdicts. Checked by tsc alone: a line that begins to compile is
// an error, because its @ts-expect-error expects one.

import type { StatusDetail } from '#smtp/reply.ts'
import type { deferWordings, rejectWordings } from './replies.ts'
import type { DeferReason, RejectReason } from './verdict.ts'

type DeferWordings = typeof deferWordings
type RejectWordings = typeof rejectWordings
type Fits<Value extends Wanted, Wanted> = Value

/** The same checks let through what is right. */
export type Right = [
  Fits<{ readonly [Kind in DeferReason['kind']]: DeferWordings[Kind] }, DeferWordings>,
  Fits<{ readonly [Kind in RejectReason['kind']]: RejectWordings[Kind] }, RejectWordings>,
  Fits<451, DeferWordings['mailbox-full']['code']>,
  Fits<'7.25', StatusDetail>,
]

// @ts-expect-error -- a reason to defer without wording
export type DeferWithoutWording = Fits<Omit<DeferWordings, 'mailbox-full'>, DeferWordings>

// @ts-expect-error -- a reason to reject without wording
export type RejectWithoutWording = Fits<Omit<RejectWordings, 'loop'>, RejectWordings>

// @ts-expect-error -- a deferral with a code that destroys the mail
export type DeferralWith5yz = Fits<552, DeferWordings['mailbox-full']['code']>

// @ts-expect-error -- a rejection with a code that keeps the mail coming
export type RejectionWith4yz = Fits<451, RejectWordings['loop']['code']>

// @ts-expect-error -- RFC 3463 §3 knows the subjects 0 to 7
export type SubjectNine = Fits<'9.1', StatusDetail>

// @ts-expect-error -- the class is the code's own digit and is not written
export type StatusWithClass = Fits<'5.1.1', StatusDetail>
