// Defaults of `greeting:`, as in defaults.ts.

import type { Default } from './defaults.ts'

export const greetingDefaults: Readonly<Record<string, Default>> = {
  'greeting.exempt': {
    value: ['127.0.0.0/8', '::1/128'],
    reason:
      'monitoring and whatever else runs on this machine; add the networks of your own servers',
  },
  'greeting.access.mode': {
    value: 'enforce',
    reason: 'who writes a network into a deny list means it; both lists are empty',
  },
  'greeting.access.allow': { value: [], reason: 'only the operator knows whom to let in untested' },
  'greeting.access.deny': { value: [], reason: 'only the operator knows whom to keep out' },
  'greeting.access.file': { value: null, reason: 'a few networks fit here; a file is for many' },
  'greeting.connections.mode': {
    value: 'enforce',
    reason: 'no sender of mail comes near the limits, and one that does is told to come again',
  },
  'greeting.connections.perAddress': {
    value: 50,
    reason: 'as in Postfix (smtpd_client_connection_count_limit, half of its processes)',
  },
  'greeting.connections.perNetwork': {
    value: 200,
    reason: 'four hosts at their limit: large providers send from many hosts of one network',
  },
  'greeting.rate.mode': {
    value: 'observe',
    reason: 'Postfix has no such limit by default; look first what your senders do',
  },
  'greeting.rate.perAddress': {
    value: 600,
    reason: 'ten a second for a minute: only a program that does not reuse connections does that',
  },
  'greeting.rate.perNetwork': {
    value: 2400,
    reason: 'four hosts at their limit, as with connections',
  },
  'greeting.pregreet.mode': {
    value: 'off',
    reason: 'it makes every new sender wait; turn it on to observe first',
  },
  'greeting.pregreet.delay': {
    value: '6s',
    reason:
      'as in Postfix (postscreen_greet_wait): senders wait 5 minutes, hurried programs do not',
  },
  'greeting.pregreet.teaser': {
    value: true,
    reason: 'as in Postfix: hurried programs take the first line for the whole banner',
  },
  'greeting.pregreet.remember': {
    value: '24h',
    reason: 'as in Postfix (postscreen_greet_ttl): a sender waits once a day',
  },
  'greeting.dnsbl.mode': {
    value: 'off',
    reason: 'somebody else would decide whose mail is refused; turn it on to observe first',
  },
  'greeting.dnsbl.zones': {
    value: [],
    reason: 'lists differ in aims, terms of use and prices: choose yours',
  },
  'greeting.dnsbl.threshold': {
    value: 1,
    reason: 'as in Postfix; give lists weights and raise it, so that no single one decides',
  },
  'greeting.dnsbl.allowThreshold': {
    value: null,
    reason: 'as in Postfix; -1 is sensible with one list of good clients',
  },
  'greeting.dnsbl.timeout': {
    value: '5s',
    reason: 'longer than `dns.timeout` times `dns.attempts`; a list that is down costs this once',
  },
  'greeting.dnsbl.remember': {
    value: '1h',
    reason: 'as in Postfix (postscreen_dnsbl_max_ttl): a client listed meanwhile is noticed then',
  },
  'greeting.maxWaiting': {
    value: 1000,
    reason: 'a tenth of `limits.maxSessions`; a flood of new clients must not keep good ones out',
  },
  'greeting.maxRemembered': {
    value: 100000,
    reason: 'more senders than a large site sees in a week; about 20 MiB when full',
  },
}
