// What `pforte check` says of Courier with its own filter for scripts, and whether its advice helps.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ShownSnippet } from '#compliance/report/remedies.ts'
import { findPrograms, prefixOf, skipReason } from '../interop/support/programs.ts'
import { startExaminedCourier, type CourierConfiguration } from './support/courier.ts'
import { testRows, type Bench } from './support/examine.ts'

const programs = findPrograms('courier')
const skip = skipReason(programs, 'courier')
const bench: Bench<CourierConfiguration> = {
  program: 'Courier',
  skip,
  start: (configuration) => startExaminedCourier(prefixOf(programs, 'courier'), configuration),
  apply: stopFilter,
}

/** As the comment of the snippet says it: nothing else helps. */
function stopFilter(
  configuration: CourierConfiguration,
  snippets: readonly ShownSnippet[],
): CourierConfiguration {
  const code = snippets.map((snippet) => snippet.code).join('\n')
  const name = /^# +filterctl stop (\w+)$/m.exec(code)?.[1] ?? ''
  assert.notEqual(name, '', code)
  return { ...configuration, files: { ...configuration.files, [`filters/active/${name}`]: null } }
}

testRows(bench, [
  {
    name: 'a script that refuses spam',
    configuration: {
      files: {
        'filters/active/perlfilter': '',
        'filters/perlfilter': '/etc/courier/refuse-spam.pl\n',
        'filters/perlfilter-mode': 'all\n',
        'refuse-spam.pl': skip === false ? refuseSpam() : '',
      },
    },
    sources: ['127.0.0.10'],
    maySend: true,
    expected: { 'data-clean': 'met', 'data-spam': 'violated data-rejection' },
    remedied: ['data-spam'],
  },
])

/** Courier's example, which looks for a long line Date in the header, and here for the test string of spam in the body. */
function refuseSpam(): string {
  const example = 'usr/share/doc/courier-mta/examples/perlfilter-example.pl'
  return readFileSync(join(prefixOf(programs, 'courier'), example), 'utf8')
    .replace(/last if \$line eq "";.*/, '')
    .replace('"500 Invalid Date header."', '"550 This is spam"')
    .replace(/\/\^Date:\.+\/i/, '/GTUBE-STANDARD/')
}
