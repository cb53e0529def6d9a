// What docs/architecture.md says, checked: who may import whom, through which door, and the few house
// rules a linter does not know. Reads the text of the files; the checker is tried on planted faults first.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import {
  isTest,
  lexeme,
  readSource,
  readSources,
  root,
  withoutComments,
  type Source,
} from './support/source-text.ts'

/** Folder → what it may import; everything may import `base`. `*`: everything. */
const matrix: Readonly<Record<string, readonly string[]>> = {
  base: [],
  smtp: [],
  message: ['smtp'],
  verdict: ['smtp'],
  session: ['smtp', 'verdict'],
  client: ['smtp'],
  dns: [],
  net: [],
  registry: ['smtp'],
  nexthop: ['smtp', 'client', 'dns', 'net', 'registry'],
  recipients: ['smtp', 'verdict', 'nexthop', 'registry'],
  policy: ['smtp', 'message', 'verdict', 'dns', 'registry'],
  greeting: ['smtp', 'verdict', 'dns', 'net'],
  handover: ['smtp', 'message', 'nexthop', 'registry'],
  intake: [
    'smtp',
    'message',
    'verdict',
    'session',
    'net',
    'policy',
    'recipients',
    'handover',
    'spool',
    'registry',
    'greylist',
  ],
  link: [],
  load: [],
  greylist: [],
  spool: ['smtp'],
  delivery: ['smtp', 'registry', 'spool', 'handover'],
  alert: ['smtp', 'message', 'registry', 'nexthop', 'spool', 'handover'],
  catcher: ['smtp', 'verdict', 'session', 'net'],
  compliance: ['smtp', 'message', 'client', 'dns', 'net', 'registry', 'catcher'],
  telemetry: ['*'],
  config: ['smtp'],
  app: ['*'],
  bin: ['app', 'config'],
}

/** What these import from another folder than `base` are types: the event unions of the modules. */
const typesOnly: ReadonlySet<string> = new Set(['telemetry'])

/** Vocabulary: may be imported file by file. Every other folder has a door named after it. */
const openFolders: ReadonlySet<string> = new Set(['base', 'smtp', 'message', 'verdict'])

/** Further doors: file → who may use it besides its own folder. Each with its reason. */
const furtherDoors: Readonly<Record<string, { readonly users: readonly string[] }>> = {
  // The report has several forms, and each is its own reader's.
  'compliance/dns/check-domain.ts': { users: ['app'] },
  'compliance/measured.ts': { users: ['app'] },
  'compliance/merge-saved.ts': { users: ['app'] },
  'compliance/profile-store.ts': { users: ['app'] },
  // What the relay counts of real mail, without the machinery of the checks.
  'compliance/production.ts': { users: ['app'] },
  'compliance/production-store.ts': { users: ['app'] },
  // Looking again: what the relay needs of it all the time, without the machinery of the checks.
  'compliance/recheck.ts': { users: ['app'] },
  'compliance/recheck-event.ts': { users: ['app', 'telemetry'] },
  'compliance/recheck-schedule.ts': { users: ['app'] },
  'compliance/recheck-store.ts': { users: ['app'] },
  'compliance/zone-store.ts': { users: ['app'] },
  'compliance/report/report-html.ts': { users: ['app'] },
  'compliance/report/report-json.ts': { users: ['app'] },
  'compliance/report/report-junit.ts': { users: ['app'] },
  'compliance/report/report-markdown.ts': { users: ['app'] },
  'compliance/report/report-text.ts': { users: ['app'] },
  'compliance/report/words.ts': { users: ['app'] },
  // What came back later is judged again, without a run.
  'compliance/returns/judge-returns.ts': { users: ['app'] },
  'compliance/returns/late-verdicts.ts': { users: ['app'] },
  // Factories, apart from the contract, so that who needs the shapes does not load the machinery.
  'dns/open-resolver.ts': { users: ['app'] },
  // One question to one server, with TTL and flags: for examining a zone, not for relaying.
  'dns/query.ts': { users: ['app', 'compliance'] },
  // What the DNS says of a client and of a sender: looked up by app, judged by policy.
  'dns/client-name.ts': { users: ['app', 'policy', 'nexthop'] },
  'dns/mail-domain.ts': { users: ['app', 'policy'] },
  // The port, and the file that is used without it too.
  'catcher/open-catcher.ts': { users: ['app'] },
  'catcher/store.ts': { users: ['app'] },
  'greylist/open-greylist.ts': { users: ['app'] },
  'greylist/greylist-tools.ts': { users: ['app'] },
  'greeting/open-greeting.ts': { users: ['app'] },
  // What the stage would do with a client, for `pforte explain`.
  'greeting/explain-client.ts': { users: ['app'] },
  'nexthop/open-next-hops.ts': { users: ['app'] },
  'recipients/open-recipients.ts': { users: ['app'] },
  'registry/open-registry.ts': { users: ['app'] },
  'spool/open-spool.ts': { users: ['app'] },
  'spool/free-space.ts': { users: ['app'] },
  'link/connect-link.ts': { users: ['app'] },
  'link/serve-link.ts': { users: ['app'] },
  'telemetry/merge-expositions.ts': { users: ['app'] },
  'spool/open-spool-tools.ts': { users: ['app'] },
  // The contract for people's tools, apart from the relay's.
  'spool/spool-tools.ts': { users: ['app'] },
  // The type of openNextHops' options, which app fills from the configuration.
  'nexthop/target.ts': { users: ['app'] },
  // Event unions of modules whose door loads the whole module.
  'intake/intake-event.ts': { users: ['telemetry'] },
  'app/app-event.ts': { users: ['telemetry'] },
  // net is several independent things about sockets and has no single contract.
  'net/address.ts': { users: ['app', 'compliance', 'nexthop'] },
  'net/client-tls.ts': { users: ['nexthop', 'app'] },
  'net/https-get.ts': { users: ['compliance'] },
  'net/probe-stream.ts': { users: ['compliance'] },
  'net/connect.ts': { users: ['nexthop', 'app'] },
  'net/connection.ts': { users: ['nexthop', 'intake', 'greeting', 'catcher', 'app'] },
  'net/bound-port.ts': { users: ['app'] },
  'net/listener.ts': { users: ['app', 'catcher'] },
  'net/server-tls.ts': { users: ['app'] },
  // The commands `pforte domain …` work on documents, plans and routes without an open registry.
  'registry/domain-document.ts': { users: ['app'] },
  'registry/errors.ts': { users: ['app'] },
  'registry/leads-back.ts': { users: ['app'] },
  'registry/plan.ts': { users: ['app'] },
  'registry/route.ts': { users: ['app', 'delivery'] },
  'registry/server-profile.ts': { users: ['app', 'compliance'] },
  'registry/served-domain.ts': { users: ['app', 'delivery'] },
  'registry/unreadable.ts': { users: ['app'] },
  // The commands `pforte recipient …`: the error of an order, the subject of a question, the table.
  'recipients/recipient-store.ts': { users: ['app'] },
  'recipients/reply-classes.ts': { users: ['app'] },
  'recipients/reply-table.ts': { users: ['app'] },
  'recipients/subject.ts': { users: ['app'] },
  // The door is the shape of the configuration; loading and printing it costs the schema library.
  'config/load-config.ts': { users: ['app'] },
  'config/loaded-config.ts': { users: ['app'] },
  'config/reference.ts': { users: ['app'] },
  'config/schema.ts': { users: ['app'] },
  'config/yaml-file.ts': { users: ['app'] },
  // One module for each command and the frame they share: bin starts the frame.
  'app/commands.ts': { users: ['bin'] },
  'app/ask.ts': { users: ['bin'] },
}

/** No sockets, clocks, files or look-ups: of Node only the byte type. */
const pureFolders: ReadonlySet<string> = new Set(
  'smtp message verdict session client policy'.split(' '),
)
const impureGlobals =
  /\b(?:Date\.now|performance|setTimeout|setInterval|setImmediate|process|fetch|Math\.random)\b/

/** Modules of Node and packages that only some folders may import, or single files, with the reason. */
const onlyIn: Readonly<Record<string, readonly string[]>> = {
  // app/toolbox.ts: `getCACertificates` gives the system's authorities; no socket is opened with it.
  'node:tls': ['net', 'app/toolbox.ts', 'app/commands/check.ts'],
  'node:net': ['net', 'link'],
  'node:dns': [
    'dns',
    'app/commands/check.ts',
    'app/commands/check/dns.ts',
    'app/recheck/look.ts',
    'app/recheck/look-at-zone.ts',
  ],
  'node:dgram': ['dns'],
  'node:http': ['telemetry'],
  // A policy of MTA-STS has to be fetched with its name's certificate, and with none of fetch's redirects.
  'node:https': ['net'],
  'node:child_process': ['app/processes/child.ts'],
  'node:sqlite': ['registry', 'recipients', 'spool', 'greylist', 'greeting', 'catcher'],
  // A commit waits for the disk: the thread of the dialogs must not.
  'node:worker_threads': ['spool'],
  zod: ['config', 'registry'],
  yaml: ['config', 'app'],
}
const nobodyMay = /^node:(?:http2|cluster|vm)\b/

/** Lines of code, comments and blanks not counted, above which a file needs a reason to be here. */
const maxCodeLines = 300
const longFiles: Readonly<Record<string, string>> = {
  'src/config/defaults.ts': 'one entry for each key, each with its reason',
  'src/intake/intake-session.ts': 'one driver, one object: bytes, effects, waits and the end',
  'src/recipients/reply-classes.ts': 'a table of refusals, read from top to bottom',
  'src/compliance/dns/mx-checks.ts': 'one entry for each check, read from top to bottom',
  'src/compliance/mta/snippets.ts': 'a table: what to write into whose configuration',
  'src/telemetry/pforte-metrics.ts': 'one entry for each metric',
  'src/telemetry/sample-events.ts': 'one sample for each event',
}

interface Import {
  readonly from: string
  readonly isTypeOnly: boolean
}

const statement = /(?:^|[\n;])\s*(?:import|export)\s+(type\s+)?([\w$*{}\s,]+?)\s+from\s*'([^']+)'/g
const bareOrDynamic = /(?:(?:^|[\n;])\s*import\s*|\bimport\(\s*)'([^']+)'/g

function importsOf(code: string): readonly Import[] {
  const found: Import[] = []
  for (const [, type, names = '', from = ''] of code.matchAll(statement)) {
    const listed = /^\{(.*)\}$/s.exec(names.trim())?.[1]?.split(',') ?? []
    const named = listed.map((name) => name.trim()).filter((name) => name !== '')
    const areAllTypes = named.length > 0 && named.every((name) => name.startsWith('type '))
    found.push({ from, isTypeOnly: type !== undefined || areAllTypes })
  }
  for (const [, from = ''] of code.matchAll(bareOrDynamic)) found.push({ from, isTypeOnly: false })
  return found
}

/** Everything wrong with one file of src or bin, one line each. */
function faultsOf(source: Source): readonly string[] {
  const code = withoutComments(source.text)
  const place = source.path.replace(/^src\//, '')
  const [folder = ''] = place.split('/')
  const faults: string[] = []
  if (!Object.hasOwn(matrix, folder)) faults.push(`the folder ${folder} has no row in the matrix`)
  if (/^export default\b|\bas default\b/m.test(code)) faults.push('default export')
  for (const each of importsOf(code)) {
    const fault = isTest(place) ? faultOfTest(each.from) : faultOf(each, folder, place)
    if (fault !== null) faults.push(`imports ${each.from}: ${fault}`)
  }
  if (isTest(place)) return faults
  const bare = code.replace(lexeme, "''")
  if (/\bconsole\s*\./.test(bare)) faults.push('writes to the console; modules emit events')
  const global = pureFolders.has(folder) ? impureGlobals.exec(bare)?.[0] : undefined
  if (global !== undefined) faults.push(`${folder} is pure, but uses ${global}`)
  const lines = code.split('\n').filter((line) => line.trim() !== '').length
  if (lines > maxCodeLines && !Object.hasOwn(longFiles, source.path)) {
    faults.push(`${lines} lines of code, more than ${maxCodeLines}`)
  }
  return faults
}

/** Tests may import anything by its name, and what test/support holds by its path. */
function faultOfTest(from: string): string | null {
  return !from.startsWith('../') || /^(?:\.\.\/)+(?:test\/support|demo)\//.test(from)
    ? null
    : 'of what lies above, tests import only test/support and demo'
}

function faultOf(imported: Import, folder: string, place: string): string | null {
  const { from } = imported
  if (from.startsWith('../')) return "write '#folder/file.ts'"
  if (from.startsWith('./')) return from.endsWith('.ts') ? null : 'the ending .ts is missing'
  if (!from.startsWith('#')) return faultOfForeign(from, folder, place)
  const target = from.slice(1)
  const [other = ''] = target.split('/')
  if (other === folder || other === 'base') return null
  const allowed = matrix[folder] ?? []
  if (!allowed.includes('*') && !allowed.includes(other)) return `${folder} may not import ${other}`
  if (typesOnly.has(folder) && !imported.isTypeOnly) return `${folder} may import only types`
  if (openFolders.has(other) || target === `${other}/${other}.ts`) return null
  return furtherDoors[target]?.users.includes(folder) === true
    ? null
    : `not a door of ${other} for ${folder}`
}

function faultOfForeign(from: string, folder: string, place: string): string | null {
  if (pureFolders.has(folder) && from !== 'node:buffer') return `${folder} is pure`
  if (nobodyMay.test(from)) return 'not used here'
  const users = onlyIn[from]
  if (users === undefined) return from.startsWith('node:') ? null : 'a package nobody may import'
  return users.includes(folder) || users.includes(place) ? null : `only in ${users.join(', ')}`
}

const sources = readSources()

describe('the checker finds what is planted', () => {
  const planted: readonly (readonly [file: string, text: string, fault: string])[] = [
    ['session/a.ts', "import { x } from '#net/connection.ts'", 'session may not import net'],
    ['session/a.ts', "import type { X } from '#nexthop/nexthop.ts'", 'may not import nexthop'],
    ['client/a.ts', "import {\n  x,\n  y,\n} from '#verdict/verdict.ts'", 'may not import verdict'],
    ['nexthop/a.ts', "const a = await import('#recipients/recipients.ts')", 'may not import'],
    ['smtp/a.ts', "export { x } from '#registry/registry.ts'", 'smtp may not import registry'],
    ['smtp/a.ts', "type X = import('#dns/dns.ts').Resolver", 'smtp may not import dns'],
    ['intake/a.ts', "import { openRecipients } from '#recipients/verifier.ts'", 'not a door'],
    ['intake/a.ts', "import { x } from '#registry/open-registry.ts'", 'not a door of registry'],
    ['telemetry/a.ts', "import { x } from '#recipients/recipients.ts'", 'only types'],
    ['telemetry/a.ts', "import { type X, y } from '#intake/intake-event.ts'", 'only types'],
    ['smtp/a.ts', "import { createHash } from 'node:crypto'", 'smtp is pure'],
    ['policy/connect/a.ts', "import { promises } from 'node:dns'", 'policy is pure'],
    ['message/a.ts', 'export const now = (): number => Date.now()', 'uses Date.now'],
    ['nexthop/a.ts', "import net from 'node:net'", 'only in net'],
    [
      'app/relay.ts',
      "import tls from 'node:tls'",
      'only in net, app/toolbox.ts, app/commands/check.ts',
    ],
    ['app/a.ts', "import { spawn } from 'node:child_process'", 'only in app/processes/child.ts'],
    ['app/a.ts', "import 'leftpad'", 'a package nobody may import'],
    ['dns/a.ts', "import { x } from '../net/connect.ts'", "write '#folder/file.ts'"],
    ['dns/a.ts', "import { x } from './connect'", 'the ending .ts is missing'],
    ['dns/a.test.ts', "import { x } from '../net/connect.ts'", 'tests import only'],
    ['dns/a.ts', 'export default 1', 'default export'],
    ['dns/a.ts', "// it's\nconsole.log(1)", 'writes to the console'],
    ['dns/a.ts', 'f()\n'.repeat(301), '301 lines of code'],
    ['utils/a.ts', '', 'no row in the matrix'],
  ]
  for (const [file, text, fault] of planted) {
    test(`${file}: ${text.slice(0, 60).replaceAll('\n', ' ')}`, () => {
      const faults = faultsOf({ path: `src/${file}`, text })
      assert.equal(faults.length, 1, faults.join('\n'))
      assert.match(faults[0] ?? '', new RegExp(RegExp.escape(fault)))
    })
  }
})

describe('the checker lets pass what is right', () => {
  const right: readonly (readonly [file: string, text: string])[] = [
    [
      'src/session/a.ts',
      "import type { Reply } from '#smtp/reply.ts'\nimport * as b from './b.ts'",
    ],
    ['src/smtp/a.ts', "// import { x } from '#net/connection.ts'\nconst a = 'console.log'.length"],
    ['src/smtp/a.ts', "/* Date.now() */ const quote = /['\"`/]/\nimport 'node:buffer'"],
    ['src/telemetry/a.ts', "import { type X, type Y } from '#intake/intake-event.ts'"],
    ['src/app/toolbox.ts', "import tls from 'node:tls'"],
    ['src/policy/rcpt/a.ts', "import type { Rule } from '#policy/policy.ts'"],
    ['src/dns/a.test.ts', "import { x } from '../../test/support/dns-server.ts'\nconsole.log(1)"],
    ['src/dns/a.ts', '// a comment\n\n'.repeat(400)],
  ]
  for (const [file, text] of right) {
    test(`${file}: ${text.slice(0, 60).replaceAll('\n', ' ')}`, () => {
      assert.deepEqual(faultsOf({ path: file, text }), [])
    })
  }
})

describe('the sources', () => {
  test('keep to the matrix, the doors and the house rules', () => {
    assert.ok(sources.length > 150, `only ${sources.length} files found`)
    const faults = sources.flatMap((each) =>
      faultsOf(each).map((fault) => `${each.path}: ${fault}`),
    )
    assert.deepEqual(faults, [])
  })

  test('have a door in every folder that needs one, and no door that is not used', () => {
    const folders = Object.keys(matrix).filter((folder) => !openFolders.has(folder))
    // net is told above, app's door is its command table, bin is the program itself.
    const doors = folders.filter((folder) => !['net', 'app', 'bin'].includes(folder))
    for (const folder of doors) {
      assert.ok(existsSync(path.join(root, 'src', folder, `${folder}.ts`)), `${folder} has no door`)
    }
    const code = sources.filter((each) => !isTest(each.path)).map((each) => each.text)
    for (const door of Object.keys(furtherDoors)) {
      const isUsed = code.some((text) => text.includes(`'#${door}'`))
      assert.ok(isUsed, `nobody uses the door ${door}: take it out of the list`)
    }
  })
})

describe('the tracked files', () => {
  const tracked = trackedFiles()
  const isWithoutGit = tracked.length === 0 ? 'not a git clone' : false

  test('leave nothing for later', { skip: isWithoutGit }, () => {
    const later = new RegExp(String.raw`\b(?:${['TO', 'DO'].join('')}|${['FIX', 'ME'].join('')})\b`)
    assert.deepEqual(
      tracked
        .filter(isProse)
        .filter((each) => later.test(each.text))
        .map(pathOf),
      [],
    )
  })

  test('name no folder of a machine and no package registry', { skip: isWithoutGit }, () => {
    const folder = new RegExp(`(?<![\\w.*-])/(?:${['work', 'root'].join('|')})/`)
    const hosts = ['npmjs', 'yarnpkg', 'jsr', 'crates'].join('|')
    const host = new RegExp(String.raw`\b(?:${hosts})\.(?:org|com|io)\b`)
    const found = tracked.filter((each) => folder.test(each.text) || host.test(each.text))
    // There the same letters name a folder of the project.
    assert.deepEqual(
      found.map(pathOf).filter((file) => file !== '.gitignore'),
      [],
    )
  })
})

function pathOf(source: Source): string {
  return source.path
}

/** Texts of ours: not the lock file, and not this file's own words. */
function isProse(source: Source): boolean {
  return source.path !== 'package-lock.json' && !source.path.endsWith('architecture.test.ts')
}

function trackedFiles(): readonly Source[] {
  try {
    const list = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
    const files = list.split('\0').filter((file) => file !== '')
    return files.filter((file) => existsSync(path.join(root, file))).map(readSource)
  } catch {
    return []
  }
}
