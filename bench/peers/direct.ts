// Nobody in between: what generator and sink can do, and thus what no relay can exceed.

import type { Peer } from './peer.ts'

export const direct: Peer = {
  name: 'no relay',
  version: '',
  note: 'generator straight to the sink: the limit of the measurement itself',
  abilities: new Set(),
  maxSessionCount: 5000,
  start: ({ targetPort }) =>
    Promise.resolve({
      port: targetPort,
      pid: 0,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
}
