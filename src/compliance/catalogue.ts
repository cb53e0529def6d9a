// All checks, in the order in which a report tells them.

import type { Check } from './check.ts'
import { banner220 } from './checks/banner-220/check.ts'
import { bannerDelay } from './checks/banner-delay/check.ts'
import { clientPolicy } from './checks/client-policy/check.ts'
import { ehloOk } from './checks/ehlo-ok/check.ts'
import { relayNetCoverage } from './checks/relay-net-coverage/check.ts'
import { tcpConnectV4 } from './checks/tcp-connect-v4/check.ts'
import { tcpConnectV6 } from './checks/tcp-connect-v6/check.ts'

export const catalogue: readonly Check[] = [
  // A: reachability and greeting
  tcpConnectV4,
  tcpConnectV6,
  relayNetCoverage,
  banner220,
  bannerDelay,
  ehloOk,
  clientPolicy,
]
