// `queue flush`, `hold`, `release`, `delete`, `move`: what people order.

import type { Endpoint } from '#registry/registry.ts'
import { createRoute, formatEndpoint, parseEndpoint } from '#registry/route.ts'
import { parseArguments, UsageError, type Command } from '#app/command.ts'
import { configOptionUsage } from '#app/command-config.ts'
import { checkRoutes } from '#app/commands/domain/check-routes.ts'
import { carryOut, orderOptions, orderUsage } from './carry-out.ts'

const jsonUsage = `${configOptionUsage}  --json         one JSON object: order, dryRun, entryCount, recipientCount, relay
`

const reasonUsage = `  --reason TEXT  why; kept with the order. Asked for at a terminal
`

const yesUsage = `  --yes          do not ask; needed where there is no terminal
`

export const flushCommand: Command = {
  summary: 'try now what waits',
  usage: `Usage: pforte queue flush ID ...|OPTIONS

What waits is tried as soon as its server has a connection free, the oldest
mail first. A server that is known to be down is asked first whether it is back.

${orderUsage}  --reason TEXT  why; kept with the order. Not asked for: nothing gets lost by it
${jsonUsage}`,
  run: async (args, io) => {
    const { values, positionals } = parseArguments(args, {
      options: orderOptions,
      allowPositionals: true,
    })
    return await carryOut(
      {
        order: { kind: 'flush' },
        values,
        ids: positionals,
        done: 'made due now',
        defaultReason: 'none given',
        warning: null,
      },
      io,
    )
  },
}

export const holdCommand: Command = {
  summary: 'keep what waits: not tried until it is released',
  usage: `Usage: pforte queue hold ID ...|OPTIONS

What waits goes to the hold. It is neither tried nor does it grow too old there.
What is just being handed over may still arrive.

${orderUsage}${reasonUsage}${jsonUsage}`,
  run: async (args, io) => {
    const { values, positionals } = parseArguments(args, {
      options: orderOptions,
      allowPositionals: true,
    })
    return await carryOut(
      {
        order: { kind: 'hold' },
        values,
        ids: positionals,
        done: 'held',
        defaultReason: null,
        warning: null,
      },
      io,
    )
  },
}

export const releaseCommand: Command = {
  summary: 'let mail out of the hold: tried at once, with a new age',
  usage: `Usage: pforte queue release ID ...|OPTIONS

What is held waits again, and is tried at once. It has the whole time limit of
a new mail before it. Mend first what put it there, or it comes back.

${orderUsage}${reasonUsage}${jsonUsage}`,
  run: async (args, io) => {
    const { values, positionals } = parseArguments(args, {
      options: orderOptions,
      allowPositionals: true,
    })
    return await carryOut(
      {
        order: { kind: 'release' },
        values,
        ids: positionals,
        done: 'released',
        defaultReason: null,
        warning: null,
      },
      io,
    )
  },
}

export const deleteCommand: Command = {
  summary: 'remove mail for ever',
  usage: `Usage: pforte queue delete ID ...|OPTIONS

Removes recipients, and a mail with its last recipient. Nobody is told: neither
the sender nor the recipient. Shows what it will do and asks. To keep a copy:
pforte queue export.

${orderUsage}${reasonUsage}${yesUsage}${jsonUsage}`,
  run: async (args, io) => {
    const { values, positionals } = parseArguments(args, {
      options: { ...orderOptions, yes: { type: 'boolean' } },
      allowPositionals: true,
    })
    return await carryOut(
      {
        order: { kind: 'delete' },
        values,
        ids: positionals,
        done: 'deleted',
        defaultReason: null,
        warning: 'This cannot be undone, and nobody is told.',
      },
      io,
    )
  },
}

export const moveCommand: Command = {
  summary: 'deliver mail to another server than that of its domain',
  usage: `Usage: pforte queue move --to ENDPOINT|route ID ...|OPTIONS

What waits is tried there at once; what is held stays held, and goes there when
it is released. New mail still follows the route of its domain: change that with
pforte domain set. Shows what it will do and asks.

  --to ENDPOINT  as in pforte domain add; 'route' takes an earlier move back
${orderUsage}${reasonUsage}${yesUsage}${jsonUsage}`,
  run: async (args, io) => {
    const { values, positionals } = parseArguments(args, {
      options: { ...orderOptions, yes: { type: 'boolean' }, to: { type: 'string' } },
      allowPositionals: true,
    })
    const endpoint = destinationOf(values.to)
    const to = endpoint === null ? null : formatEndpoint(endpoint)
    return await carryOut(
      {
        order: { kind: 'move', to },
        values,
        ids: positionals,
        done: to === null ? 'moved back to the route of their domain' : `moved to ${to}`,
        defaultReason: null,
        warning: to === null ? '' : 'That server gets them, whoever runs it.',
        prepare: async (config) => {
          if (endpoint === null) return
          const route = createRoute([endpoint], 'opportunistic')
          const domains = [{ domain: '--to', route, calloutRoute: route }]
          for (const warning of await checkRoutes(domains, config, io)) {
            io.stderr(`warning: ${warning}\n`)
          }
        },
      },
      io,
    )
  },
}

/** Null: the route of the domain. */
function destinationOf(text: string | undefined): Endpoint | null {
  if (text === undefined) throw new UsageError('name the server with --to, or --to route')
  if (text === 'route') return null
  const endpoint = parseEndpoint(text)
  if (!endpoint.ok) throw new UsageError(`--to: ${endpoint.problem}`)
  return endpoint.value
}
