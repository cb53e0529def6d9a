// `alerts:` of the configuration file: how people hear of mail that waits or is held.

import { z } from 'zod'
import { failure, success, type Result } from '#base/result.ts'
import type { AlertsConfig } from './config.ts'
import { day, duration, key, parsedText, second, section, wrong } from './schema-types.ts'

export const alertsSchema: z.ZodType<AlertsConfig> = section({
  webhook: key(
    'alerts.webhook',
    parsedText('a URL such as https://chat.example.org/hook', parseWebhook).nullable(),
    'URL that gets each alert as a POST of JSON; null for none.',
  ),
  mail: key(
    'alerts.mail',
    z.boolean(wrong('true or false')),
    'Send alerts as mail to the contact of the domain and to `postmaster`. Needs `postmaster`.',
  ),
  digest: key(
    'alerts.digest',
    duration({ min: second, max: day }),
    'Shortest time between two alerts about held mail of one domain; what comes meanwhile is collected.',
  ),
}).transform((file) => ({
  webhook: file.webhook,
  isMailSent: file.mail,
  digestMs: file.digest,
}))

function parseWebhook(written: string): Result<string> {
  const url = URL.parse(written)
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return failure('expected a URL that begins with http:// or https://')
  }
  // fetch refuses such URLs, and a password has no place in a log.
  return url.username === '' && url.password === ''
    ? success(url.href)
    : failure('the URL must not have a user name or password')
}
