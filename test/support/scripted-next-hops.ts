// A NextHops that answers as a test tells it to. A test double of the port itself, for the modules
// that ask through it; whoever wants sockets uses a scripted server instead.

import { noExtensions, type Extensions } from '#smtp/extensions.ts'
import type { PeerReply } from '#smtp/reply.ts'
import type {
  NextHopFacts,
  NextHops,
  NoAnswer,
  ProbeResult,
  Question,
  Within,
} from '#nexthop/nexthop.ts'
import type { Route, ServedDomain } from '#registry/registry.ts'
import { createRoute } from '#registry/route.ts'
import { unknownProfile } from '#registry/server-profile.ts'

export type ScriptedAnswer = PeerReply | NoAnswer

/** `550 5.1.1 User unknown` as a reply. */
export function peerReply(text: string): PeerReply {
  const match = /^(\d{3}) (?:([245]\.\d{1,3}\.\d{1,3})(?: |$))?(.*)$/.exec(text)
  if (match === null) throw new Error(`not a reply: ${text}`)
  return { code: Number(match[1]), status: match[2] ?? null, lines: [match[3] ?? ''] }
}

export function noAnswer(
  kind: NoAnswer['kind'],
  stage: NoAnswer['stage'],
  reply: PeerReply | null = null,
): NoAnswer {
  return { kind, stage, detail: `${kind} at ${stage}`, reply }
}

export interface ScriptedNextHops extends NextHops {
  /** Every question in order. */
  readonly asked: readonly { readonly route: Route; readonly question: Question }[]
  /** How the next questions are answered; the last script given counts. May throw, as a bug would. */
  answer: (question: Question, route: Route) => ScriptedAnswer | Promise<ScriptedAnswer>
  isDown: boolean
  offered: Extensions | null
  facts: NextHopFacts
}

export function scriptedNextHops(
  answer: ScriptedNextHops['answer'] = () => peerReply('250 2.1.5 Ok'),
): ScriptedNextHops {
  const asked: { route: Route; question: Question }[] = []
  const scripted: ScriptedNextHops = {
    asked,
    answer,
    isDown: false,
    offered: noExtensions,
    facts: {
      server: 'mail.inst.example',
      address: '192.0.2.25',
      port: 25,
      tls: null,
      extensions: null,
    },
    probe: async (route, question, within) => {
      asked.push({ route, question })
      const given = await orAborted(scripted.answer(question, route), within)
      return probeResult(given, scripted.facts)
    },
    transfer: () => {
      throw new Error('scripted next hops take no mail')
    },
    extensions: () => scripted.offered,
    isBreakerOpen: () => scripted.isDown,
    recover: async () => !scripted.isDown,
    hear: () => undefined,
    states: () => [],
    obey: () => undefined,
    makeRoom: () => undefined,
    close: async () => {},
  }
  return scripted
}

function probeResult(given: ScriptedAnswer, nextHop: NextHopFacts): ProbeResult {
  return 'code' in given
    ? { kind: 'answered', reply: given, nextHop, tookMs: 1 }
    : { kind: 'no-answer', cause: given, nextHop, tookMs: 1 }
}

async function orAborted(
  given: ScriptedAnswer | Promise<ScriptedAnswer>,
  { signal }: Within,
): Promise<ScriptedAnswer> {
  if (signal === null || !(given instanceof Promise)) return given
  const { promise, resolve } = Promise.withResolvers<ScriptedAnswer>()
  const onAbort = (): void => {
    resolve(noAnswer('aborted', 'pool'))
  }
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([given, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** A served domain whose mail and questions go to mail.<domain>:25. */
export function servedDomain(domain: string, changes: Partial<ServedDomain> = {}): ServedDomain {
  const route = createRoute([{ kind: 'host', host: `mail.${domain}`, port: 25 }], 'opportunistic')
  return {
    domain,
    suspension: null,
    route,
    calloutRoute: route,
    profile: unknownProfile,
    byHand: unknownProfile,
    measured: null,
    subaddressSeparator: null,
    replyPatterns: [],
    contact: '',
    createdAtMs: 0,
    changedAtMs: 0,
    ...changes,
  }
}
