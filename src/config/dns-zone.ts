// `bl.example.org=127.0.0.[2..11;15]*3`: a list on the DNS as Postfix's postscreen_dnsbl_sites has it.

import { failure, success, type Result } from '#base/result.ts'
import { cleanLine } from '#base/text.ts'
import { parseDomain } from '#smtp/domain-name.ts'
import type { DnsZoneConfig } from './config.ts'

const form = /^([^=*\s]+)(?:=([^*\s]+))?(?:\*(-?\d{1,6}))?$/

export function parseDnsZone(written: string): Result<DnsZoneConfig> {
  const [, name, pattern, weightText = '1'] = form.exec(written) ?? []
  if (name === undefined) {
    return failure('expected DOMAIN, DOMAIN*WEIGHT or DOMAIN=127.0.0.[2..11]*WEIGHT')
  }
  const domain = parseDomain(name.replace(/\.$/, ''))
  if (!domain.ok) return domain
  const weight = Number(weightText)
  if (weight === 0) return failure('a weight of 0 says nothing')
  if (pattern === undefined) return success({ domain: domain.value, answers: null, weight })
  const answers = parsePattern(pattern)
  if (!answers.ok) return answers
  return success({ domain: domain.value, answers: answers.value, weight })
}

type Range = readonly [low: number, high: number]

function parsePattern(pattern: string): Result<readonly (readonly Range[])[]> {
  const octets = pattern.match(/\[[^\]]*\]|[^.[\]]+/g) ?? []
  // What the search skipped would be lost without a word.
  if (octets.length !== 4 || octets.join('.') !== pattern) {
    return failure(`'${cleanLine(pattern, 60)}' is not of the form 127.0.0.[2..11;15]`)
  }
  const parsed: Range[][] = []
  for (const octet of octets) {
    const parts = octet.startsWith('[') ? octet.slice(1, -1).split(';') : [octet]
    const ranges = parts.map(parseRange)
    const known = ranges.filter((range) => range !== null)
    if (known.length < ranges.length) {
      return failure(`'${cleanLine(octet, 60)}' is no number, list or range of numbers to 255`)
    }
    parsed.push(known)
  }
  return success(parsed)
}

function parseRange(text: string): Range | null {
  const [, low, high = low] = /^(\d{1,3})(?:\.\.(\d{1,3}))?$/.exec(text) ?? []
  if (low === undefined) return null
  const range = [Number(low), Number(high)] as const
  return range[0] <= range[1] && range[1] <= 255 ? range : null
}
