// Names of addresses that providers give to whoever dials in: their networks are full of machines whose
// owners do not know that they send mail. Patterns of the operator's, and a guess of our own: the name
// has the address in it, and a word that such names have.

import { addressBits } from '#base/network.ts'

export interface DynamicNames {
  /** `.dip0.t-ipconnect.de`: that name and all below; with `*`, which stands for any run, the whole name. */
  readonly patterns: readonly string[]
  /** The guess counts too. */
  readonly isGuessed: boolean
}

/** Whole words of a name, between digits, dots and hyphens. */
const dynamicWords: ReadonlySet<string> = new Set(
  (
    'dyn dynamic dynamicip dynip dhcp dsl adsl vdsl xdsl dslam pool pools ippool dialup dialin dial dip ' +
    'cable cablemodem catv docsis ppp pppoe broadband bband home res residential mobile gprs umts lte ' +
    'modem ftth fttx'
  ).split(' '),
)

/** A customer with a mail server of their own; the provider says so. */
const staticWords: ReadonlySet<string> = new Set(
  'static statip fix fixed fixip sta business biz mail mx smtp mta relay'.split(' '),
)

/** `name` in lower case. */
export function isDynamicName(
  { patterns, isGuessed }: DynamicNames,
  name: string,
  address: string,
): boolean {
  if (patterns.some((pattern) => fits(pattern, name))) return true
  return isGuessed && hasDynamicWords(name) && hasAddress(name, address)
}

function fits(pattern: string, name: string): boolean {
  const lower = pattern.toLowerCase()
  if (lower.includes('*')) return fitsWhole(lower.split('*'), name)
  const bare = lower.startsWith('.') ? lower.slice(1) : lower
  return name === bare || name.endsWith(`.${bare}`)
}

/** Each piece is looked for once behind the one before: no pattern is slow. */
function fitsWhole(pieces: readonly string[], name: string): boolean {
  const [first = '', ...rest] = pieces
  const last = rest.at(-1) ?? ''
  const end = name.length - last.length
  if (!name.startsWith(first) || !name.endsWith(last) || end < first.length) return false
  let position = first.length
  for (const piece of rest.slice(0, -1)) {
    const found = name.indexOf(piece, position)
    if (found < 0) return false
    position = found + piece.length
  }
  return position <= end
}

function hasDynamicWords(name: string): boolean {
  const words = name.split(/[^a-z]+/)
  return (
    words.some((word) => dynamicWords.has(word)) && !words.some((word) => staticWords.has(word))
  )
}

function hasAddress(name: string, address: string): boolean {
  const parsed = addressBits(address)
  if (parsed === null) return false
  const { family, bits } = parsed
  return family === 4 ? hasIpv4(name, bits) : hasIpv6(name, bits)
}

/** The last two octets side by side, in either order, or all of them as 12 digits or in hexadecimal. */
function hasIpv4(name: string, bits: bigint): boolean {
  const octets = [24n, 16n, 8n, 0n].map((shift) => Number((bits >> shift) & 255n))
  const numbers = (name.match(/\d+/g) ?? []).map(Number)
  const [, , third, fourth] = octets
  const isSideBySide = numbers.some((number, index) => {
    const next = numbers[index + 1]
    return (number === third && next === fourth) || (number === fourth && next === third)
  })
  if (isSideBySide) return true
  const digits = octets.map((octet) => String(octet).padStart(3, '0')).join('')
  return name.includes(digits) || name.includes(hexadecimal(bits, 8))
}

/** The lower half in hexadecimal, written together or in groups, with or without leading zeros. */
function hasIpv6(name: string, bits: bigint): boolean {
  const groups = [48n, 32n, 16n, 0n].map((shift) => hexadecimal((bits >> shift) & 0xffffn, 4))
  const short = groups.map((group) => group.replace(/^0{1,3}/, ''))
  const written = [groups.join(''), groups.join('-'), groups.join('.'), short.join('-')]
  return written.some((text) => name.includes(text))
}

function hexadecimal(bits: bigint, digitCount: number): string {
  return bits.toString(16).padStart(digitCount, '0')
}
