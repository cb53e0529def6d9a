import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeWayOut, type WayOut } from './trace-field.ts'

const clear: WayOut = {
  hostname: 'relay.example.org',
  server: 'mail.inst.example',
  policy: 'opportunistic',
  tls: null,
  isOffered: false,
  isTried: true,
}
const certificate = { certificateProblem: null, publicKeyPin: 'sha256//x', names: 'DNS:a' }
const tls = {
  protocol: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  isResumed: false,
  certificate,
}
const untrusted = { ...tls, certificate: { ...certificate, certificateProblem: 'it has expired' } }
const head = 'Pforte-TLS: relay.example.org;\r\n\tserver=mail.inst.example; policy='
const how = 'protocol=TLSv1.3;\r\n\tcipher=TLS_AES_256_GCM_SHA384'

const cases: readonly (readonly [name: string, changes: Partial<WayOut>, text: string])[] = [
  ['none', { policy: 'none', isOffered: true }, 'none;\r\n\tresult=clear\r\n'],
  [
    'nothing is offered',
    {},
    'opportunistic;\r\n\tresult=clear;\r\n\treason="STARTTLS is not offered"\r\n',
  ],
  [
    'it is offered and refused',
    { isOffered: true },
    'opportunistic;\r\n\tresult=clear;\r\n\treason="STARTTLS was refused"\r\n',
  ],
  [
    'after a handshake that failed',
    { isOffered: true, isTried: false },
    'opportunistic;\r\n\tresult=clear;\r\n\treason="a handshake has failed a short time ago"\r\n',
  ],
  ['verified', { policy: 'verify', tls }, `verify;\r\n\tresult=verified; ${how}\r\n`],
  ['verified by the way', { tls }, `opportunistic;\r\n\tresult=verified; ${how}\r\n`],
  [
    'unverified',
    { tls: untrusted },
    `opportunistic;\r\n\tresult=unverified; ${how};\r\n\treason="it has expired"\r\n`,
  ],
  [
    'pinned, whatever else is wrong',
    { policy: 'pin', tls: untrusted },
    `pin;\r\n\tresult=pinned; ${how}\r\n`,
  ],
]
for (const [name, changes, text] of cases) {
  test(name, () => assert.equal(encodeWayOut({ ...clear, ...changes }), head + text))
}

test('what a certificate or the DNS says stays in its place', () => {
  const evil = 'x"; result=pinned\r\nBcc: everybody\r\n\r\nbody \u001b[2J \u0000 \u00e4 \u2028'
  const certificateProblem = `it is not for a, but for DNS:${evil}${'y'.repeat(1000)}`
  const field = encodeWayOut({
    ...clear,
    server: evil,
    tls: { ...tls, certificate: { ...certificate, certificateProblem } },
  })
  assert.match(
    field,
    /^Pforte-TLS: [ -~]*\r\n\tserver=[ -~]*\r\n\tresult=unverified[ -~]*\r\n\t[ -~]*\r\n\t[ -~]*\r\n$/,
  )
  assert.equal(field.split('"').length, 3)
  assert.doesNotMatch(field, /result=pinned\b(?!\?)/)
  assert.ok(field.split('\r\n').every((line) => line.length < 300))
})
