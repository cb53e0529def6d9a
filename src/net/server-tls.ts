// The certificates of the relay's own side of STARTTLS, re-read when the files change.

import { randomBytes } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import type tls from 'node:tls'
import { ServerCertificates, type CertificatePair } from './server-certificates.ts'

export interface CertificateFiles {
  readonly certificate: string
  readonly key: string
}

/** What one handshake needs. */
export interface ServerHandshake {
  readonly context: tls.SecureContext
  /** For the name a client asks for (SNI); null: the same. */
  readonly contextFor: (name: string) => tls.SecureContext | null
  /** Clients are asked for a certificate; those without one, or with a bad one, are served all the same. */
  readonly asksClients: boolean
}

export interface ServerTls {
  /** What the next handshake uses; null while no certificate could be read. */
  readonly handshake: () => ServerHandshake | null
  /** Reads the files again now. Rejects, and keeps what was good, when they cannot be used. */
  readonly reload: () => Promise<void>
  /** 48 bytes: what tickets are encrypted with from now on. Those of before are not resumed. */
  readonly useTicketKeys: (keys: Buffer) => void
  readonly close: () => void
}

export interface ServerTlsOptions {
  readonly files: readonly CertificateFiles[]
  readonly pollMs: number
  /** 48 bytes, shared by all who shall take each other's tickets; absent: made here, and now and then anew. */
  readonly ticketKeys?: Buffer
  readonly asksClients?: boolean
  /** File of the authorities for certificates of clients; absent or null: those of the system. */
  readonly clientCaFile?: string | null
  readonly onReloaded: () => void
  readonly onFailed: (error: unknown) => void
}

/**
 * Node knows one key at a time (docs/decisions/026-tls-of-the-relay.md). A ticket is good for 5 min, so at
 * most one in twelve meets a new key.
 */
export const ticketKeysMs = 3_600_000

/**
 * Reads the certificates; rejects when they cannot be used at the start. Later a broken file leaves the
 * last good one in place and is told through `onFailed`.
 */
export async function openServerTls(options: ServerTlsOptions): Promise<ServerTls> {
  // Tickets stay good across a reload; a process forgets them when it ends.
  let ticketKeys = options.ticketKeys ?? randomBytes(48)
  let seen = ''
  let broken = ''
  let material: Material | null = null
  let handshake: ServerHandshake | null = null
  const reload = async (): Promise<void> => {
    if (options.files.length === 0) return
    const stamp = await stampOf(options)
    const read = await readMaterial(options)
    handshake = handshakeOf(read, ticketKeys)
    material = read
    seen = stamp
  }
  const poll = async (): Promise<void> => {
    const stamp = await stampOf(options)
    if (stamp === seen || stamp === broken) return
    broken = stamp // told once, not at every look
    await reload()
    options.onReloaded()
  }
  // From what is in memory: files that are broken just now must not keep an old key in use.
  const useTicketKeys = (keys: Buffer): void => {
    ticketKeys = keys
    if (material !== null) handshake = handshakeOf(material, keys)
  }
  await reload()
  const timers = [setInterval(() => void poll().catch(options.onFailed), options.pollMs).unref()]
  if (options.ticketKeys === undefined) {
    timers.push(setInterval(() => useTicketKeys(randomBytes(48)), ticketKeysMs).unref())
  }
  const close = (): void => {
    for (const timer of timers) clearInterval(timer)
  }
  if (options.files.length === 0) close()
  return { handshake: () => handshake, reload, useTicketKeys, close }
}

async function stampOf({ files, clientCaFile }: ServerTlsOptions): Promise<string> {
  const paths = files.flatMap((pair) => [pair.certificate, pair.key])
  if (typeof clientCaFile === 'string') paths.push(clientCaFile)
  const stamps = paths.map(async (file) => {
    const { mtimeMs, ino, size } = await stat(file)
    return `${mtimeMs}:${ino}:${size}`
  })
  return (await Promise.all(stamps)).join(' ')
}

/** What was in the files. */
interface Material {
  readonly pairs: readonly CertificatePair[]
  readonly clientCa: string | null
  readonly asksClients: boolean
}

async function readMaterial({
  files,
  asksClients = false,
  clientCaFile = null,
}: ServerTlsOptions): Promise<Material> {
  const read = (file: string): Promise<string> => readFile(file, 'utf8')
  const pairs = files.map(async (pair) => ({
    certificate: await read(pair.certificate),
    key: await read(pair.key),
  }))
  const clientCa = asksClients && clientCaFile !== null ? await read(clientCaFile) : null
  return { pairs: await Promise.all(pairs), clientCa, asksClients }
}

/** Throws when they cannot be used. */
function handshakeOf(
  { pairs, clientCa, asksClients }: Material,
  ticketKeys: Buffer,
): ServerHandshake {
  const certificates = new ServerCertificates(pairs, { ticketKeys, clientCa })
  return {
    context: certificates.usual,
    contextFor: (name) => certificates.contextFor(name),
    asksClients,
  }
}
