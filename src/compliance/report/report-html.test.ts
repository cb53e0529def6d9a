import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { catalogue } from '#compliance/catalogue.ts'
import type { Report } from '#compliance/compliance.ts'
import { examine, examinedServer } from '../../../test/support/examined-server.ts'
import { startScriptedServer } from '../../../test/support/hostile-server.ts'
import { markup } from './html.ts'
import { reportHtml } from './report-html.ts'

const attack = `<script>alert(1)</script><img src=x onerror="a()">'"&`
const names = { networks: ['192.0.2.0/24'] }

async function reportOfAttacker(): Promise<Report> {
  const server = await startScriptedServer(
    examinedServer({
      banner: () => `220 ${attack} ESMTP`,
      rcpt: () => `250 2.1.5 ${attack}`,
      keywords: ['SIZE 1000000', attack],
    }),
  )
  try {
    const ids = [
      'banner-220',
      'rcpt-unknown-rejected',
      'size-ehlo',
      'starttls-offered',
      'tls-chain',
    ]
    return await examine(
      catalogue.filter(({ id }) => ids.includes(id)),
      server.port,
    )
  } finally {
    await server.close()
  }
}

describe('the HTML report', async () => {
  const report = await reportOfAttacker()
  for (const language of ['de', 'en'] as const) {
    const page = reportHtml(report, names, language)

    test(`${language}: a server’s words stay words`, () => {
      assert.match(page, /&lt;script&gt;alert\(1\)/)
      assert.doesNotMatch(page, /<(?:script|img|iframe|object|link|a)\b/i)
      assert.doesNotMatch(page, /<[^>]*\son\w+=/i)
    })

    test(`${language}: nothing is loaded`, () => {
      assert.doesNotMatch(page, /<[^>]*\s(?:src|href)=|url\(|@import/i)
    })

    test(`${language}: every element is closed, headings are in order, ids are there once`, () => {
      const open: string[] = []
      for (const [, slash, name = ''] of page.matchAll(/<(\/?)([a-z]\w*)[^>]*>/g)) {
        if (['meta', 'br'].includes(name)) continue
        if (slash === '/') assert.equal(open.pop(), name)
        else open.push(name)
      }
      assert.deepEqual(open, [])
      const levels = [...page.matchAll(/<h(\d)/g)].map(([, level]) => Number(level))
      assert.ok(levels.every((level, index) => level <= (levels[index - 1] ?? 0) + 1))
      const ids = [...page.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id)
      assert.equal(new Set(ids).size, ids.length)
    })

    test(`${language}: says its language, the result, and what to change`, () => {
      assert.ok(page.startsWith(`<!doctype html>\n<html lang="${language}">`))
      assert.match(
        page,
        language === 'de' ? /verletzte Muss-Anforderungen/ : /violated requirements/,
      )
      assert.match(page, /<article class="violated" id="size-ehlo">/)
      assert.match(page, /message_size_limit = 62914560/)
    })
  }

  test('a template escapes what is put into it, and nothing that it made itself', () => {
    assert.equal(markup`<p>${'<b>'}${markup`<i>${1}</i>`}</p>`.html, '<p>&lt;b&gt;<i>1</i></p>')
  })
})
