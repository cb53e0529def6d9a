import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { goodMx, run, txt } from '../../../../test/support/examined-zone.ts'

test('SPF that names the server itself is no trap', async () => {
  const raw = { 16: txt('v=spf1 a:mx.inst.example include:mx.example ~all') }
  const included = { raw: { 16: txt('v=spf1 mx -all') }, mx: [[10, 'mail.mx.example']] } as const
  const { verdicts } = await run(
    {
      'inst.example': { mx: goodMx, raw },
      'mx.example': included,
      'mx.inst.example': { a: ['192.0.2.7'] },
    },
    '--json',
  )
  assert.equal(verdicts['spf-mx-trap'], 'met')
  assert.equal(verdicts['spf-hint'], 'met')
})

describe('SPF with what it includes', () => {
  const cases: readonly (readonly [
    name: string,
    included: string,
    trap: readonly [string | undefined, string | null | undefined],
    hint: readonly [string | undefined, string | null | undefined],
  ])[] = [
    [
      'one that means the MX of the domain',
      'v=spf1 mx:inst.example -all',
      ['violated', 'included'],
      ['met', null],
    ],
    [
      'look-ups in it count',
      `v=spf1 ${'a:mail.inst.example '.repeat(10)}-all`,
      ['met', null],
      ['violated', 'too-many-look-ups'],
    ],
    [
      'what it includes is no SPF record',
      'v=spf1 include:mail.inst.example -all',
      ['met', null],
      ['violated', 'permerror'],
    ],
    [
      'three names that are not there',
      'v=spf1 a:x.example a:y.example a:z.example -all',
      ['met', null],
      ['violated', 'too-many-voids'],
    ],
    [
      'a name that does not answer',
      'v=spf1 mx:lost.example -all',
      ['undetermined', 'no-answer'],
      ['undetermined', 'no-answer'],
    ],
  ]
  for (const [name, included, trap, hint] of cases) {
    test(name, async () => {
      const { verdicts, subtypes } = await run(
        {
          'inst.example': { mx: goodMx, raw: { 16: txt('v=spf1 include:spf.example ~all') } },
          'spf.example': { raw: { 16: txt(included) } },
          'mail.inst.example': { a: ['192.0.2.7'] },
          'lost.example': 'servfail',
        },
        '--json',
      )
      assert.deepEqual([verdicts['spf-mx-trap'], subtypes['spf-mx-trap']], trap)
      assert.deepEqual([verdicts['spf-hint'], subtypes['spf-hint']], hint)
    })
  }
})
