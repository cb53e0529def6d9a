import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeLogLine, logFields } from './log-line.ts'
import { sampleEvents } from './sample-events.ts'

const timeMs = Date.UTC(2026, 9, 5, 14, 3, 21, 42)

test('a finished mail as one line', () => {
  assert.equal(
    encodeLogLine(sampleEvents['mail-finished'], timeMs),
    '{"time":"2026-10-05T14:03:21.042Z","level":"info","event":"mail-finished",' +
      '"session":"0D3K7Q2M0A7F2","mail":"0D3K7Q2M0A7F2.1","clientAddress":"192.0.2.7",' +
      '"greetingName":"mx.sender.example","reversePath":"alice@sender.example",' +
      '"recipients":["bob@inst.example","carol@inst.example"],"recipientCount":2,"sizeBytes":12595,' +
      '"verdict":"accept","reason":null,' +
      '"reply":"250 2.0.0 mail.inst.example says: 250 2.0.0 Ok: queued as 4XyZ (0D3K7Q2M0A7F2.1)",' +
      '"receiveMs":41.6,"handoverMs":35.2,"transfers":[{"server":"mail.inst.example",' +
      '"address":"198.51.100.4","tls":"TLSv1.3 TLS_AES_256_GCM_SHA384 verified","outcome":"relayed",' +
      '"reply":"250 2.0.0 Ok: queued as 4XyZ","tookMs":34.9}],"isClientGone":false}',
  )
})

test('a refused recipient names the reason and the server’s own words', () => {
  const fields = logFields(sampleEvents['recipient-judged'], timeMs)
  assert.equal(fields['verdict'], 'reject')
  assert.equal(fields['reason'], 'recipient-unknown')
  assert.equal(fields['server'], 'mail.inst.example')
  assert.equal(fields['serverReply'], '550 5.1.1 User unknown')
  assert.equal(fields['tookMs'], 12.3)
})

test('every event is one line of flat JSON in camel case', () => {
  for (const event of Object.values(sampleEvents)) {
    const line = encodeLogLine(event, timeMs)
    assert.ok(!line.includes('\n'), event.kind)
    const fields: Record<string, unknown> = JSON.parse(line)
    assert.deepEqual(Object.keys(fields).slice(0, 3), ['time', 'level', 'event'])
    for (const [name, value] of Object.entries(fields)) {
      assert.match(name, /^[a-z][A-Za-z]*$/)
      const isFlat = typeof value !== 'object' || value === null || Array.isArray(value)
      assert.ok(isFlat, `${event.kind}.${name}`)
    }
  }
})

test('hostile text is bounded and harmless in every field it can reach', () => {
  const hostile = `\u009b2J\u202e\r\n"},{\ud800${'x'.repeat(5000)}`
  const line = encodeLogLine(
    {
      ...sampleEvents['mail-finished'],
      greetingName: hostile,
      reversePath: hostile,
      recipients: Array.from({ length: 1000 }, () => hostile),
      reply: hostile,
      transfers: sampleEvents['mail-finished'].transfers.map((transfer) => ({
        ...transfer,
        reply: hostile,
      })),
    },
    timeMs,
  )
  assert.doesNotMatch(line, /[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
  assert.ok(line.length < 110 * 600)
  const fields: Record<string, unknown> = JSON.parse(line)
  assert.equal(fields['recipientCount'], 1000)
  assert.equal(Array.isArray(fields['recipients']) && fields['recipients'].length, 100)
  assert.equal(typeof fields['greetingName'] === 'string' && fields['greetingName'].length, 512)
})

test('the text of the time is right across seconds, and before the epoch', () => {
  for (const ms of [timeMs, timeMs + 957, timeMs + 958, timeMs - 43, 0, timeMs + 0.7]) {
    assert.equal(logFields(sampleEvents.stopped, ms)['time'], new Date(ms).toISOString())
  }
})
