// Networks and domain into the code of a snippet, in the notation of each program.

export interface SnippetNames {
  /** CIDR blocks the relays connect from. Empty: placeholders are printed. */
  readonly networks: readonly string[]
  readonly domain: string
  /** The one that was examined. */
  readonly port: number
}

/** The code with the relay's networks and the domain in it. */
export function fillSnippet(code: string, names: SnippetNames): string {
  const networks = names.networks.length > 0 ? names.networks : ['192.0.2.0/24']
  const isIpv4 = (network: string): boolean => !network.includes(':')
  const bracketed = networks.map((network) =>
    isIpv4(network) ? network : network.replace(/^([^/]+)/, '[$1]'),
  )
  const lines = (form: (network: string) => string): string => networks.map(form).join('\n')
  return code
    .replaceAll('@NETWORKS,@', networks.join(','))
    .replaceAll('@NETWORKS;@', networks.join(' ; '))
    .replaceAll('@NETWORKS quoted@', networks.map((network) => `"${network}"`).join(', '))
    .replaceAll('@NETWORKS, BRACKETS@', bracketed.join(', '))
    .replaceAll(
      '@NETWORKS LINES@',
      lines((network) => network),
    )
    .replace(/@NETWORKS CIDR (\w+)@/g, (_, word: string) =>
      lines((network) => `${network}    ${word}`),
    )
    .replace(/@NETWORKS (\w+) (OK|0)@/g, (_, key: string, value: string) =>
      networks
        .flatMap(sendmailKeys)
        .map((prefix) => `${key}:${prefix}\t${value}`)
        .join('\n'),
    )
    .replaceAll(
      '@NETWORKS nftables@',
      // A line each: a set of networks that overlap would be refused.
      lines(
        (network) => `${isIpv4(network) ? 'ip' : 'ip6'} saddr ${network} tcp dport @PORT@ accept`,
      ),
    )
    .replaceAll(
      '@NETWORKS courier@',
      networks
        .flatMap(courierKeys)
        .map((prefix) => `${prefix}\tallow,${courierLeave}`)
        .join('\n'),
    )
    .replaceAll('@DOMAIN@', names.domain)
    .replaceAll('@PORT@', `${names.port}`)
}

/** No block list, and nothing is asked of the name, the greeting or the sender. */
const courierLeave =
  'BLOCK,BOFHCHECKDNS=0,BOFHCHECKHELO=0,BOFHSPFHELO=off,BOFHSPFMAILFROM=off,BOFHSPFFROM=off'

/** Courier: whole octets as sendmail; of IPv6 whole groups of four digits (`:2001:4ca0:0000:0103`). */
function courierKeys(network: string): readonly string[] {
  const [address = '', bits = '128'] = network.split('/')
  if (!address.includes(':')) return sendmailKeys(network)
  const [head = '', tail = ''] = address.split('::')
  const groupsOf = (text: string): readonly string[] => (text === '' ? [] : text.split(':'))
  const missing = 8 - groupsOf(head).length - groupsOf(tail).length
  const zeros = Array<string>(address.includes('::') ? missing : 0).fill('0')
  const groups = [...groupsOf(head), ...zeros, ...groupsOf(tail)]
  const wanted = Math.max(1, Math.floor(Number(bits) / 16))
  return [
    groups
      .slice(0, wanted)
      .map((each) => `:${each.padStart(4, '0')}`)
      .join(''),
  ]
}

/** sendmail knows whole octets only: a /23 is two lines. */
function sendmailKeys(network: string): readonly string[] {
  const [address = '', bits = '32'] = network.split('/')
  if (address.includes(':')) return [`IPv6:${address.replace(/::$/, '')}`]
  const octets = address.split('.').map(Number)
  const length = Number(bits)
  const whole = Math.min(4, Math.max(1, Math.ceil(length / 8)))
  const count = Math.min(256, 2 ** Math.max(0, whole * 8 - length))
  return Array.from({ length: count }, (_, index) =>
    [...octets.slice(0, whole - 1), (octets[whole - 1] ?? 0) + index].join('.'),
  )
}
