// What may stand in the configuration file, and how it becomes a Config. A key is named like its
// property without the unit, because the value carries it: `maxMessage: 50MiB` → `maxMessageBytes`.

import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { failure, success, type Result } from '#base/result.ts'
import { parseDomain } from '#smtp/domain-name.ts'
import { parseMailbox } from '#smtp/parse-path.ts'
import { encodeMailbox } from '#smtp/path.ts'
import { alertsSchema } from './alerts-schema.ts'
import { catcherSchema } from './catcher-schema.ts'
import type { Config, ListenConfig, LogConfig, SmtpListenConfig, TlsConfig } from './config.ts'
import { greetingSchema } from './greeting-schema.ts'
import { limitsSchema } from './limits-schema.ts'
import { guessingSchema, loadSchema } from './load-schema.ts'
import { dnsSchema, handoverSchema } from './next-hop-schema.ts'
import { count, ipAddress, key, network, parsedText, path, section, wrong } from './schema-types.ts'
import { policySchema } from './policy-schema.ts'
import { recheckSchema } from './recheck-schema.ts'
import { smtpSchema } from './smtp-schema.ts'
import { deliverySchema, spoolSchema } from './spool-schema.ts'
import { verificationSchema } from './verification-schema.ts'

const port: z.ZodType<number> = count({ min: 0, max: 65535 })

const listenSchema: z.ZodType<SmtpListenConfig> = section({
  address: ipAddress().describe('IPv4 or IPv6 address; 0.0.0.0 or "::" for every one.'),
  port: port.describe('TCP port; 0 lets the system choose one.'),
  proxy: z
    .array(network(), wrong('a list of addresses and networks such as 192.0.2.0/24'))
    .min(1, 'needs at least one address or network, or nobody can connect')
    .max(256, 'at most 256 networks')
    .exactOptional()
    .describe(
      'Networks (CIDR) of the proxies this port is for. Each connection from them begins with a PROXY header (version 1 or 2), which names the client; everybody else is turned away.',
    ),
})

const tlsSchema: z.ZodType<TlsConfig> = section({
  certificates: key(
    'tls.certificates',
    z
      .array(
        section({
          certificate: path('a PEM file').describe('PEM file: certificate, then its chain.'),
          key: path('a PEM file').describe('PEM file of the private key.'),
        }),
        wrong('a list of certificate and key files'),
      )
      .max(16, 'at most 16 certificates'),
    'Certificates offered with STARTTLS, e.g. one ECDSA and one RSA. Re-read when the files change.',
  ),
  ca: key(
    'tls.ca',
    path('a PEM file').nullable(),
    "PEM file of authorities trusted, besides the system's, for routes with `tls: verify`.",
  ),
  clients: key(
    'tls.clients',
    z.enum(['off', 'ask'], wrong('off or ask')),
    '`ask`: clients are asked for a certificate, which is checked against `tls.ca`, or the system’s authorities without one. What came of it is in the log and in Received; nobody is refused for it.',
  ),
})

const logSchema: z.ZodType<LogConfig> = section({
  format: key(
    'log.format',
    z.enum(['auto', 'json', 'human'], wrong('auto, json or human')),
    '`json`: one object a line; `human`: for reading; `auto`: human at a terminal, else json.',
  ),
  file: key('log.file', path('a file').nullable(), 'File to append to; null for standard output.'),
})

const metricsListenSchema: z.ZodType<ListenConfig> = section({
  address: key('metrics.listen.address', ipAddress(), 'Loopback address to listen on.'),
  port: key('metrics.listen.port', port, 'TCP port; 0 lets the system choose one.'),
})

const metricsSchema: z.ZodType<Config['metrics']> = section({
  listen: metricsListenSchema
    .nullable()
    .prefault({})
    .describe('Where /metrics and /healthz answer; null for nowhere.'),
})

const rehearsalSchema: z.ZodType<Config['rehearsal']> = section({
  mails: key(
    'rehearsal.mails',
    count({ min: 0, max: 100_000 }),
    'Mails a process that begins sends to itself, while it has nothing else to do, so that the first real ones meet compiled code; 0: none.',
  ),
}).transform((file) => ({ mailCount: file.mails }))

const configSchema: z.ZodType<Config> = section({
  hostname: parsedText('a host name such as mailrelay1.example.org', parseHostname).describe(
    "The relay's own name, in banner, EHLO and Received. Its address record should lead here.",
  ),
  listen: z
    .array(listenSchema, wrong('a list such as [{ address: 0.0.0.0, port: 25 }]'))
    .min(1, 'needs at least one address and port, or no mail can come in')
    .max(64, 'at most 64 addresses')
    .describe('Addresses and ports to accept mail on.'),
  workers: key(
    'workers',
    z.union(
      [count({ min: 0, max: 256 }), z.literal('auto').transform(() => availableParallelism())],
      wrong('auto, or a whole number from 0 to 256'),
    ),
    'Processes for sessions: `auto` is one for each core, 0 is the whole relay in one process.',
  ),
  state: path('a folder such as /var/lib/pforte').describe(
    'Folder of everything durable; made when missing. Relative to the folder of this file.',
  ),
  postmaster: key(
    'postmaster',
    parsedText('an address such as operator@inst.example', parseAddress).nullable(),
    "Where mail for the relay's own postmaster goes: an address of a served domain.",
  ),
  tls: tlsSchema.prefault({}).describe('Certificates.'),
  smtp: smtpSchema.prefault({}).describe('What clients may say, and how.'),
  limits: limitsSchema.prefault({}).describe('What one client, one mail and all of them may use.'),
  load: loadSchema.prefault({}).describe('What happens when much comes at once.'),
  greeting: greetingSchema
    .prefault({})
    .describe('What is decided about a client before its session begins.'),
  guessing: guessingSchema.prefault({}).describe('Clients that try out addresses.'),
  verification: verificationSchema
    .prefault({})
    .describe("Asking the institutes' servers for recipients."),
  handover: handoverSchema.prefault({}).describe("Handing mails over to the institutes' servers."),
  dns: dnsSchema.prefault({}).describe('Asking the DNS.'),
  policy: policySchema
    .prefault({})
    .describe('The mail rules: what is refused, or only observed, whatever the recipient says.'),
  spool: spoolSchema.prefault({}).describe('Mail the relay has taken responsibility for.'),
  delivery: deliverySchema.prefault({}).describe('Delivering what is in the spool.'),
  alerts: alertsSchema.prefault({}).describe('How people hear of mail that waits long or is held.'),
  rehearsal: rehearsalSchema
    .prefault({})
    .describe('What a process that begins does before it has anything to do.'),
  catcher: catcherSchema.prefault({}).describe('What comes back to test mails.'),
  recheck: recheckSchema
    .prefault({})
    .describe('Looking again at the servers of domains with a profile (`pforte check --save`).'),
  log: logSchema.prefault({}).describe('The log.'),
  metrics: metricsSchema.prefault({}).describe('Prometheus metrics and health.'),
}).transform((file) => {
  const probeSender = file.verification.probeSender ?? `postmaster@${file.hostname}`
  const folder = file.spool.folder ?? `${file.state}/spool`
  return {
    ...file,
    verification: { ...file.verification, probeSender },
    spool: { ...file.spool, folder },
  }
})

/** One thing the schema objects to; `keys` are unknown ones below `path`. */
export interface SchemaProblem {
  readonly path: readonly (string | number)[]
  readonly keys: readonly string[]
  readonly text: string
}

/** `input`: what the file says, as plain values. Paths in the result are still as written. */
export function parseConfig(input: unknown): Result<Config, readonly SchemaProblem[]> {
  const parsed = configSchema.safeParse(input)
  if (parsed.success) return success(parsed.data)
  return failure(parsed.error.issues.map((issue) => toProblem(issue)))
}

function toProblem(issue: z.core.$ZodIssue): SchemaProblem {
  const issuePath = issue.path.map((part) => (typeof part === 'number' ? part : String(part)))
  const keys = issue.code === 'unrecognized_keys' ? issue.keys : []
  return { path: issuePath, keys, text: issue.message }
}

/** A JSON Schema (draft 2020-12) object, of which only these members are read by us. */
export interface JsonSchema {
  readonly [keyword: string]: unknown
  readonly description?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
}

/** The schema of the file for editors. */
export function configJsonSchema(): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(configSchema, { io: 'input' })
  const schema = { $schema, title: 'Configuration of Pforte', ...rest } as JsonSchema
  const properties = Object.entries(schema.properties ?? {}).map(([name, below]) => [
    name,
    below.properties === undefined ? below : orEmpty(below),
  ])
  return { ...schema, properties: Object.fromEntries(properties) }
}

/** A section whose keys are all commented out is null to an editor. */
function orEmpty(schema: JsonSchema): JsonSchema {
  return { ...schema, type: ['object', 'null'] }
}

function parseAddress(written: string): Result<string> {
  const mailbox = parseMailbox(written)
  return mailbox.ok ? success(encodeMailbox(mailbox.value)) : mailbox
}

function parseHostname(written: string): Result<string> {
  const domain = parseDomain(written)
  if (!domain.ok) return domain
  if (domain.value.includes('_')) return failure('a host name has no underscore')
  if (domain.value.includes('.')) return domain
  return failure(
    'a host name needs a dot: other servers look it up in the DNS and refuse mail from short names',
  )
}
