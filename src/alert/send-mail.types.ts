// What the compiler has to refuse: an alert with a null reverse-path. Checked by tsc alone.

import type { ReversePath } from '#smtp/path.ts'
import type { AlertMail } from './send-mail.ts'

type Fits<Value extends Wanted, Wanted> = Value

/** The same check lets through what is right. */
export type Right = Fits<
  { readonly local: 'postmaster'; readonly domain: 'inst.example' },
  AlertMail['from']
>

// @ts-expect-error -- the null reverse-path is no mailbox
export type NullReversePath = Fits<{ readonly kind: 'null' }, AlertMail['from']>

// @ts-expect-error -- nor is what may be null
export type AnyReversePath = Fits<ReversePath, AlertMail['from']>

// @ts-expect-error -- nor is text, which may be empty
export type Text = Fits<string, AlertMail['from']>
