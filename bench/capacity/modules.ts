// What many domains, addresses and spooled mails cost, measured with the modules themselves.

import { startOwnSink } from '../load/start-sink.ts'
import { pretty } from '../support/numbers.ts'
import { keepConstants } from './constants.ts'
import { runScript } from './in-process.ts'
import type { RecipientNumbers } from './recipients-worker.ts'
import type { RegistryNumbers } from './registry-worker.ts'
import { section, type Section } from './section.ts'
import type { SpoolNumbers } from './spool-worker.ts'

export interface ModuleOptions {
  readonly counts: readonly number[]
  readonly progress: (line: string) => void
  readonly when: () => string
}

const mebibyte = 1024 ** 2

export async function measureDomains(options: ModuleOptions): Promise<Section> {
  const rows: (readonly string[])[] = []
  for (const count of options.counts) {
    const numbers = await runScript<RegistryNumbers>('registry-worker.ts', String(count))
    options.progress(`${count} domains: ${JSON.stringify(numbers)}`)
    keepConstants({ domainBytes: numbers.heapBytes / count })
    rows.push([
      count.toLocaleString('en'),
      pretty(numbers.heapBytes / mebibyte),
      pretty(numbers.findNanoseconds),
      pretty(numbers.applyMs),
      pretty(numbers.putMs),
      pretty(numbers.followMs),
      pretty(numbers.openMs),
    ])
  }
  const head = [
    'domains',
    'memory MiB',
    'find ns',
    'apply all ms',
    'put one ms',
    'another process follows ms',
    'open ms',
  ]
  return section('domains', options.when(), head, rows)
}

export async function measureAddresses(options: ModuleOptions): Promise<Section> {
  await using sink = await startOwnSink()
  const rows: (readonly string[])[] = []
  for (const count of options.counts) {
    const args = [String(count), String(sink.port)]
    const numbers = await runScript<RecipientNumbers>('recipients-worker.ts', ...args)
    options.progress(`${count} addresses: ${JSON.stringify(numbers)}`)
    keepConstants({
      addressBytes: numbers.heapBytes / count,
      storedAddressBytes: numbers.fileBytes / count,
    })
    rows.push([
      count.toLocaleString('en'),
      pretty(numbers.heapBytes / mebibyte),
      pretty(numbers.heapBytes / count),
      pretty(numbers.cachedNanoseconds / 1000),
      pretty(numbers.storedNanoseconds / 1000),
      pretty(numbers.fileBytes / mebibyte),
    ])
  }
  const head = [
    'addresses',
    'memory MiB',
    'bytes each',
    'answer from memory µs',
    'from the file µs',
    'file MiB',
  ]
  return section('addresses', options.when(), head, rows)
}

export async function measureSpool(options: ModuleOptions): Promise<Section> {
  const rows: (readonly string[])[] = []
  for (const count of options.counts) {
    const numbers = await runScript<SpoolNumbers>('spool-worker.ts', String(count))
    options.progress(`${count} spooled: ${JSON.stringify(numbers)}`)
    keepConstants({ spoolEntryBytes: numbers.fileBytes / count })
    rows.push([
      count.toLocaleString('en'),
      pretty(numbers.commitsPerSecond),
      pretty(numbers.settlesPerSecond),
      pretty(numbers.statsMs),
      pretty(numbers.dueMs),
      pretty(numbers.openMs),
      pretty(numbers.fileBytes / mebibyte),
      pretty(numbers.residentBytes / mebibyte),
    ])
  }
  const head = [
    'entries',
    'commits/s',
    'settled/s',
    'stats ms',
    'due ms',
    'open ms',
    'file MiB',
    'process MiB',
  ]
  return section('spool', options.when(), head, rows)
}
