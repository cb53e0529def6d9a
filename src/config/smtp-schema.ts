// `smtp:` of the configuration file.

import { z } from 'zod'
import type { SmtpConfig } from './config.ts'
import { key, section, wrong } from './schema-types.ts'

export const smtpSchema: z.ZodType<SmtpConfig> = section({
  bareNewlines: key(
    'smtp.bareNewlines',
    z.enum(['reject', 'normalize'], wrong('reject or normalize')),
    'Content with a CR or LF on its own: `reject` answers 550 5.5.2; `normalize` makes the LF a CR LF and the CR a space. A mail ends at CR LF . CR LF in any case.',
  ),
  routedRecipients: key(
    'smtp.routedRecipients',
    z.enum(['reject', 'accept'], wrong('reject or accept')),
    'Recipients of served domains with %, ! or @ in the local part, which may mean a place elsewhere: `reject` answers 550 5.7.1, `accept` leaves them to the server.',
  ),
  unauthorizedPipelining: key(
    'smtp.unauthorizedPipelining',
    z.enum(['observe', 'reject'], wrong('observe or reject')),
    'Clients that send on where RFC 2920 has them wait (EHLO, DATA, VRFY, NOOP; after HELO, everywhere): `observe` tells it in the log, once in a session; `reject` answers 554 5.5.0 and closes.',
  ),
  chunking: key(
    'smtp.chunking',
    z.boolean(wrong('true or false')),
    'Offer CHUNKING (RFC 3030), which is BDAT besides DATA.',
  ),
}).transform((file) => ({
  bareNewlines: file.bareNewlines,
  routedRecipients: file.routedRecipients,
  unauthorizedPipelining: file.unauthorizedPipelining,
  isChunkingOffered: file.chunking,
}))
