// What people write: YAML, the configuration, the document of a domain, endpoints. Every objection is one
// clean line with a place; whatever was taken is written back and taken again as the same.

import assert from 'node:assert/strict'
import { parseConfig } from '#config/schema.ts'
import { maxProblemCount, parseYaml } from '#config/yaml-file.ts'
import { parseDomainDocument } from '#registry/domain-document.ts'
import { formatEndpoint, parseEndpoint } from '#registry/route.ts'
import { createServedDomain, toDomainDocument } from '#registry/served-domain.ts'
import type { FuzzTarget } from '../target.ts'

// oxlint-disable-next-line no-control-regex -- what must not be left
const cleanLine = /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]{1,1000}$/

export const yamlConfig: FuzzTarget = {
  name: 'yaml-config',
  words: [
    'hostname: relay.example.org\n',
    'listen: [{ address: 0.0.0.0, port: 25 }]\n',
    'state: ./state\n',
    'limits:\n',
    '  maxMessage: ',
    '50MiB\n',
    'dns: { refuseAddresses: [',
    '127.0.0.0/8',
    '] }\n',
    '&a ',
    '*a',
    '<<: ',
    '!!binary ',
    '- ',
    '? ',
    ': ',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '|\n',
    '# x\n',
    '\t',
    '\n',
    '__proto__: ',
    'constructor: ',
    '\u001b[31m',
    '1e999',
    '.inf',
    '0x10',
    '~',
    '---\n',
    '%YAML 9.9\n',
  ],
  check: (bytes) => {
    const parsed = parseYaml(bytes.toString('utf8'), '/etc/pforte.yaml')
    if (!parsed.ok) {
      assert.ok(parsed.problem.length > 0 && parsed.problem.length <= maxProblemCount + 1)
      for (const { text } of parsed.problem) assert.match(text, cleanLine)
      return
    }
    JSON.stringify(parsed.value.input) // no cycles, no surprise
    parsed.value.placeOfValue(['limits', 'maxMessage'])
    const config = parseConfig(parsed.value.input)
    if (!config.ok) assert.ok(config.problem.length > 0)
    else assert.match(config.value.hostname, /^[a-z0-9.-]+$/)
    assert.equal(({} as { a?: unknown }).a, undefined)
  },
}

export const domainDocument: FuzzTarget = {
  name: 'domain-document',
  words: [
    'domain: inst.example\n',
    'to: mail.inst.example:25\n',
    'to: [',
    ']',
    'mx:inst.example',
    ', ',
    '192.0.2.1:25',
    '"[2001:db8::1]:25"',
    'callout: ',
    'tls: ',
    'none\n',
    'verify\n',
    'maxSize: ',
    '50MiB\n',
    'smtpUtf8: false\n',
    'eightBitMime: true\n',
    'maxConnections: 2\n',
    'mailsPerConnection: 0\n',
    'calloutSender: null-path\n',
    'refusesAtData: true\n',
    'maxLine: 998\n',
    'subaddressSeparator: "+"\n',
    'replyPatterns: [{ text: "*", means: other }]\n',
    'suspended: true\n',
    'suspended: x\n',
    'contact: a@b.example\n',
    'm\u00fcnchen.example',
    '65536',
    '\u001b',
    '"',
    '\n',
    '\u202e',
  ],
  check: (bytes) => {
    const parsed = parseYaml(bytes.toString('utf8'), '/x.yaml')
    if (!parsed.ok) return
    const document = parseDomainDocument(parsed.value.input)
    if (!document.ok) {
      for (const { text } of document.problem) assert.match(text, cleanLine)
      return
    }
    const served = createServedDomain(document.value, 1)
    if (!served.ok) return
    assert.match(served.value.domain, /^[a-z0-9_.-]{1,253}$/)
    const written = toDomainDocument(served.value)
    const again = parseDomainDocument(JSON.parse(JSON.stringify(written)))
    assert.ok(again.ok)
    assert.deepEqual(createServedDomain(again.value, 1), served)
  },
}

export const endpoints: FuzzTarget = {
  name: 'endpoints',
  words: [
    'mail.inst.example',
    'mx:',
    ':25',
    ':0',
    ':65536',
    '[',
    ']',
    '192.0.2.1',
    '2001:db8::1',
    '::',
    '::ffff:192.0.2.1',
    '127.1',
    '0x7f.1',
    '%lo',
    '.',
    '..',
    'm\u00fcnchen',
    '\u3002',
    '@',
    '/',
    '?',
    '#',
    ' ',
    'MX:',
    'a',
    '\u00ad',
    '\u2025',
  ],
  check: (bytes) => {
    const text = bytes.toString('utf8')
    const endpoint = parseEndpoint(text)
    if (!endpoint.ok) return
    const { value } = endpoint
    assert.ok(value.port >= 1 && value.port <= 65_535)
    const name =
      value.kind === 'mx' ? value.name : value.kind === 'host' ? value.host : value.address
    assert.match(
      name,
      value.kind === 'address' ? /^[\da-f:.]+$/ : /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/,
    )
    assert.deepEqual(parseEndpoint(formatEndpoint(value)), endpoint)
  },
}
