// The certificates of the relay's own side of STARTTLS, re-read when the files change.

import { randomBytes } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import tls from 'node:tls'

export interface CertificateFiles {
  readonly certificate: string
  readonly key: string
}

export interface ServerTls {
  /** What the next handshake uses; null while no certificate could be read. */
  readonly context: () => tls.SecureContext | null
  /** Reads the files again now. Rejects, and keeps what was good, when they cannot be used. */
  readonly reload: () => Promise<void>
  /** 48 bytes: what tickets are encrypted with from now on. Those of before are not resumed. */
  readonly useTicketKeys: (keys: Buffer) => Promise<void>
  readonly close: () => void
}

/**
 * Reads the certificates; rejects when they cannot be used at the start. Later a broken file leaves the
 * last good one in place and is told through `onFailed`.
 */
export async function openServerTls(options: {
  readonly files: readonly CertificateFiles[]
  readonly pollMs: number
  /** 48 bytes, shared by all who shall take each other's tickets; absent: made here. */
  readonly ticketKeys?: Buffer
  readonly onReloaded: () => void
  readonly onFailed: (error: unknown) => void
}): Promise<ServerTls> {
  // Tickets stay good across a reload; a process forgets them when it ends.
  let ticketKeys = options.ticketKeys ?? randomBytes(48)
  let seen = ''
  let broken = ''
  let context: tls.SecureContext | null = null
  const reload = async (): Promise<void> => {
    if (options.files.length === 0) return
    const stamp = await stampOf(options.files)
    context = await readContext(options.files, ticketKeys)
    seen = stamp
  }
  const poll = async (): Promise<void> => {
    const stamp = await stampOf(options.files)
    if (stamp === seen || stamp === broken) return
    broken = stamp // told once, not at every look
    await reload()
    options.onReloaded()
  }
  await reload()
  const timer = setInterval(() => {
    poll().catch(options.onFailed)
  }, options.pollMs).unref()
  if (options.files.length === 0) clearInterval(timer)
  return {
    context: () => context,
    reload,
    useTicketKeys: async (keys) => {
      ticketKeys = keys
      await reload()
    },
    close: () => clearInterval(timer),
  }
}

async function stampOf(files: readonly CertificateFiles[]): Promise<string> {
  const stamps = files
    .flatMap((pair) => [pair.certificate, pair.key])
    .map(async (file) => {
      const { mtimeMs, ino, size } = await stat(file)
      return `${mtimeMs}:${ino}:${size}`
    })
  return (await Promise.all(stamps)).join(' ')
}

async function readContext(
  files: readonly CertificateFiles[],
  ticketKeys: Buffer,
): Promise<tls.SecureContext> {
  const read = (file: string): Promise<string> => readFile(file, 'utf8')
  const certificates = await Promise.all(files.map((pair) => read(pair.certificate)))
  const keys = await Promise.all(files.map((pair) => read(pair.key)))
  return tls.createSecureContext({
    cert: certificates,
    key: keys,
    minVersion: 'TLSv1.2',
    sessionIdContext: 'pforte',
    ticketKeys,
  })
}
