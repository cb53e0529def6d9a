// All checks, in the order in which a report tells them.

import type { Check } from './check.ts'
import { abuseMailbox } from './checks/abuse-mailbox/check.ts'
import { banner220 } from './checks/banner-220/check.ts'
import { bannerDelay } from './checks/banner-delay/check.ts'
import { cap8bitmime } from './checks/cap-8bitmime/check.ts'
import { capBinarymime } from './checks/cap-binarymime/check.ts'
import { capChunking } from './checks/cap-chunking/check.ts'
import { capDsn } from './checks/cap-dsn/check.ts'
import { capEnhanced } from './checks/cap-enhanced/check.ts'
import { capLimits } from './checks/cap-limits/check.ts'
import { capPipelining } from './checks/cap-pipelining/check.ts'
import { capPrdr } from './checks/cap-prdr/check.ts'
import { capSmtputf8 } from './checks/cap-smtputf8/check.ts'
import { clientPolicy } from './checks/client-policy/check.ts'
import { dane } from './checks/dane/check.ts'
import { data8bit } from './checks/data-8bit/check.ts'
import { dataAttachment } from './checks/data-attachment/check.ts'
import { dataClean } from './checks/data-clean/check.ts'
import { dataHeaderSyntax } from './checks/data-header-syntax/check.ts'
import { dataLongLine } from './checks/data-long-line/check.ts'
import { dataManyReceived } from './checks/data-many-received/check.ts'
import { dataResponseTime } from './checks/data-response-time/check.ts'
import { dataSpam } from './checks/data-spam/check.ts'
import { dataSpf } from './checks/data-spf/check.ts'
import { dataVirus } from './checks/data-virus/check.ts'
import { ehloOk } from './checks/ehlo-ok/check.ts'
import { noDmarcReject } from './checks/no-dmarc-reject/check.ts'
import { noGreylisting } from './checks/no-greylisting/check.ts'
import { noRateLimitConnections } from './checks/no-rate-limit-connections/check.ts'
import { noRateLimitMessages } from './checks/no-rate-limit-messages/check.ts'
import { noSenderCallback } from './checks/no-sender-callback/check.ts'
import { noSpfOnRelayed } from './checks/no-spf-on-relayed/check.ts'
import { noTarpit } from './checks/no-tarpit/check.ts'
import { noBackscatterLongtail } from './checks/no-backscatter-longtail/check.ts'
import { noBackscatterUnknown } from './checks/no-backscatter-unknown/check.ts'
import { noSilentDiscard } from './checks/no-silent-discard/check.ts'
import { deliveryConfirmed } from './checks/delivery-confirmed/check.ts'
import { nullSender } from './checks/null-sender/check.ts'
import { openRelay } from './checks/open-relay/check.ts'
import { ownDomainSender } from './checks/own-domain-sender/check.ts'
import { postmaster } from './checks/postmaster/check.ts'
import { productionRejections } from './checks/production-rejections/check.ts'
import { rcptExistingAccepted } from './checks/rcpt-existing-accepted/check.ts'
import { rcptLateRejection } from './checks/rcpt-late-rejection/check.ts'
import { rcptLatency } from './checks/rcpt-latency/check.ts'
import { rcptMulti } from './checks/rcpt-multi/check.ts'
import { rcptOrderIndependence } from './checks/rcpt-order-independence/check.ts'
import { rcptUnknownCode } from './checks/rcpt-unknown-code/check.ts'
import { rcptUnknownPermanent } from './checks/rcpt-unknown-permanent/check.ts'
import { rcptUnknownRejected } from './checks/rcpt-unknown-rejected/check.ts'
import { relayNetCoverage } from './checks/relay-net-coverage/check.ts'
import { senderConsistency } from './checks/sender-consistency/check.ts'
import { sessionReuse } from './checks/session-reuse/check.ts'
import { sizeEhlo } from './checks/size-ehlo/check.ts'
import { sizeHeadroom } from './checks/size-headroom/check.ts'
import { sizeMailParam } from './checks/size-mail-param/check.ts'
import { sizeReal } from './checks/size-real/check.ts'
import { smuggling } from './checks/smuggling/check.ts'
import { starttlsHandshake } from './checks/starttls-handshake/check.ts'
import { starttlsInjection } from './checks/starttls-injection/check.ts'
import { starttlsOffered } from './checks/starttls-offered/check.ts'
import { subaddressing } from './checks/subaddressing/check.ts'
import { tcpConnectV4 } from './checks/tcp-connect-v4/check.ts'
import { tcpConnectV6 } from './checks/tcp-connect-v6/check.ts'
import { tlsAfter } from './checks/tls-after/check.ts'
import { tlsChain } from './checks/tls-chain/check.ts'
import { tlsExpiry } from './checks/tls-expiry/check.ts'
import { tlsHostname } from './checks/tls-hostname/check.ts'
import { tlsKey } from './checks/tls-key/check.ts'
import { tlsVersion } from './checks/tls-version/check.ts'
import { transparency } from './checks/transparency/check.ts'
import { vrfyExpn } from './checks/vrfy-expn/check.ts'

export const catalogue: readonly Check[] = [
  // A: reachability and greeting
  tcpConnectV4,
  tcpConnectV6,
  relayNetCoverage,
  banner220,
  bannerDelay,
  ehloOk,
  clientPolicy,
  // B: recipients
  rcptExistingAccepted,
  rcptUnknownRejected,
  rcptUnknownPermanent,
  rcptUnknownCode,
  rcptLateRejection,
  rcptLatency,
  rcptOrderIndependence,
  rcptMulti,
  nullSender,
  senderConsistency,
  postmaster,
  abuseMailbox,
  subaddressing,
  vrfyExpn,
  openRelay,
  // C: no other restrictions
  noGreylisting,
  noRateLimitConnections,
  noRateLimitMessages,
  sessionReuse,
  noTarpit,
  noSpfOnRelayed,
  noSenderCallback,
  ownDomainSender,
  // D: content, with consent
  dataClean,
  dataSpam,
  dataVirus,
  dataAttachment,
  dataLongLine,
  dataHeaderSyntax,
  data8bit,
  dataManyReceived,
  dataResponseTime,
  dataSpf,
  noDmarcReject,
  transparency,
  noBackscatterUnknown,
  noBackscatterLongtail,
  noSilentDiscard,
  deliveryConfirmed,
  productionRejections,
  smuggling,
  // E: size
  sizeEhlo,
  sizeMailParam,
  sizeHeadroom,
  sizeReal,
  // F: TLS
  starttlsOffered,
  starttlsHandshake,
  tlsVersion,
  tlsChain,
  tlsHostname,
  tlsExpiry,
  tlsKey,
  tlsAfter,
  dane,
  starttlsInjection,
  // G: capabilities
  cap8bitmime,
  capSmtputf8,
  capPipelining,
  capChunking,
  capBinarymime,
  capDsn,
  capEnhanced,
  capLimits,
  capPrdr,
]
