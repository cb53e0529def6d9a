// `catcher:` of the configuration file: where what comes back to test mails is caught.

import type { z } from 'zod'
import { failure, type Result } from '#base/result.ts'
import { parseDomain } from '#smtp/domain-name.ts'
import type { CatcherConfig } from './config.ts'
import { count, ipAddress, key, parsedText, section } from './schema-types.ts'

const listenSchema: z.ZodType<CatcherConfig['listen']> = section({
  address: key(
    'catcher.listen.address',
    ipAddress(),
    'Address to listen on. Other relays that hand mail of the domain over have to reach it.',
  ),
  port: key(
    'catcher.listen.port',
    count({ min: 0, max: 65535 }),
    'TCP port; 0 lets the system choose one.',
  ),
})

export const catcherSchema: z.ZodType<CatcherConfig> = section({
  domain: key(
    'catcher.domain',
    parsedText('a domain such as probe.example.org', parseProbeDomain).nullable(),
    'Domain of the senders of test mails (`pforte check --catcher`), of its own and used for nothing else; null: nothing is caught.',
  ),
  listen: listenSchema.prefault({}).describe('Where the catcher takes what comes back.'),
})

function parseProbeDomain(written: string): Result<string> {
  const domain = parseDomain(written)
  return domain.ok && !domain.value.includes('.') ? failure('a domain needs a dot') : domain
}
