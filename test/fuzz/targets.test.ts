// Each parser of outside bytes: first its kept seeds, cut in every way, then new inputs for as long as there
// is time. With time enough (make fuzz) inputs that reach new code are kept for the run and bred from.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { breed } from './breed.ts'
import { timeBoxed } from './support.ts'
import { seedsOf, type FuzzTarget } from './target.ts'
import { addresses } from './targets/addresses.ts'
import { commandLines } from './targets/command-lines.ts'
import { chunkContent, dataContent } from './targets/content.ts'
import { dnsMessage } from './targets/dns-message.ts'
import { domainDocument, endpoints, yamlConfig } from './targets/documents.ts'
import { extensions } from './targets/extensions.ts'
import { headerSection } from './targets/header-section.ts'
import { linkFrames } from './targets/link-frames.ts'
import { lists } from './targets/lists.ts'
import { proxyHeader } from './targets/proxy-header.ts'
import { replies } from './targets/replies.ts'
import { returnedMail } from './targets/returned-mail.ts'

const targets: readonly FuzzTarget[] = [
  addresses,
  chunkContent,
  commandLines,
  dataContent,
  dnsMessage,
  domainDocument,
  endpoints,
  extensions,
  headerSection,
  linkFrames,
  lists,
  proxyHeader,
  replies,
  returnedMail,
  yamlConfig,
]

const seconds = Number(process.env['PFORTE_FUZZ_SECONDS'] ?? '1.5')
/** There are many targets: each gets a part of what a property has. */
const partMs = (seconds * 1000) / 4

/** Words of the language, pieces of seeds, any byte. */
function inputsOf(target: FuzzTarget): fc.Arbitrary<Buffer> {
  const words = fc.constantFrom(...target.words).map((word) => Buffer.from(word, 'latin1'))
  const seeds = fc.constantFrom(...seedsOf(target).map(({ bytes }) => bytes))
  const piece = fc
    .tuple(seeds, fc.nat(), fc.nat())
    .map(([bytes, from, to]) => bytes.subarray(from % (bytes.length + 1), to % (bytes.length + 1)))
  const byte = fc.uint8Array({ minLength: 1, maxLength: 3 }).map((bytes) => Buffer.from(bytes))
  const part = fc.oneof(
    { arbitrary: words, weight: 6 },
    { arbitrary: piece, weight: 2 },
    { arbitrary: byte, weight: 1 },
  )
  return fc.array(part, { maxLength: 24 }).map((parts) => Buffer.concat(parts))
}

/** Those whose check takes no cut read a whole at once. */
function isStream({ check }: FuzzTarget): boolean {
  return check.length > 1
}

/** Names the input, so that it can be kept: printf %b of the text, or xxd -r -p of the hexadecimal. */
function checked(target: FuzzTarget, bytes: Buffer, cut: number): void {
  try {
    target.check(bytes, cut)
  } catch (cause) {
    const shown = `${JSON.stringify(bytes.toString('latin1'))}\n${bytes.toString('hex')}`
    throw new Error(`${target.name}, cut ${cut}:\n${shown}`, { cause })
  }
}

for (const target of targets) {
  test(`${target.name}: what was kept`, () => {
    const seeds = seedsOf(target)
    assert.ok(seeds.length > 0)
    for (const { file, bytes } of seeds) {
      assert.ok(bytes.length <= 16_384, `${file} is not small`)
      const cutCount = isStream(target) ? Math.min(8 * bytes.length + 8, 300) : 1
      for (let cut = 0; cut < cutCount; cut += 1) checked(target, bytes, cut)
    }
  })

  test(`${target.name}: what comes`, () => {
    fc.assert(
      fc.property(inputsOf(target), fc.nat(), (bytes, cut) => checked(target, bytes, cut)),
      { ...timeBoxed, interruptAfterTimeLimit: partMs },
    )
  })
}

if (seconds >= 10) {
  for (const target of targets) {
    test(`${target.name}: what reaches new code`, async (t) => {
      const { tries, kept } = await breed(target, seedsOf(target), partMs * 2, (bytes, cut) =>
        checked(target, bytes, cut),
      )
      t.diagnostic(`${target.name}: ${tries} inputs, ${kept} reached new code`)
    })
  }
}
