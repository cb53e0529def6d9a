// Which relays this machine has. Postfix, Exim and OpenSMTPD may also be those the interop tests have
// unpacked: they exclude each other as packages.

import { accessSync, existsSync } from 'node:fs'
import path from 'node:path'
import {
  findPrograms,
  isRoot,
  prefixOf,
  type ProgramName,
} from '../../test/interop/support/programs.ts'
import type { PostfixTools } from '../load/postfix-tools.ts'
import { exim } from './exim.ts'
import { haproxy } from './haproxy.ts'
import { haraka } from './haraka.ts'
import { openSmtpd } from './opensmtpd.ts'
import type { Peer } from './peer.ts'
import { postfix } from './postfix.ts'

export interface FoundPeers {
  readonly peers: readonly Peer[]
  /** A line each: who is missing, and why. */
  readonly missing: readonly string[]
  /** Null: Postfix is not here. */
  readonly tools: PostfixTools | null
}

/** `wanted`: words of which a name must begin with one; empty: all. */
export function findPeers(wanted: readonly string[], harakaFolder: string | null): FoundPeers {
  const peers: Peer[] = []
  const missing: string[] = []
  const isWanted = (name: string): boolean =>
    wanted.length === 0 || wanted.some((word) => name.startsWith(word.toLowerCase()))
  const prefixes = new Map(
    (['postfix', 'exim', 'opensmtpd'] as const).map((name) => [name, prefixFor(name)] as const),
  )
  const take = (
    name: 'postfix' | 'exim' | 'opensmtpd',
    make: (prefix: string) => readonly Peer[],
  ): void => {
    const found = prefixes.get(name)
    if (!isWanted(name)) return
    if (found?.kind === 'ready') peers.push(...make(found.prefix))
    else missing.push(`${name}: ${found?.reason ?? 'not looked for'}`)
  }
  take('postfix', (prefix) => [postfix(prefix)])
  take('exim', (prefix) => {
    if (isRoot()) return [exim(prefix, 'cut-through'), exim(prefix, 'spool')]
    missing.push('exim: only root can measure all of its processes')
    return []
  })
  take('opensmtpd', (prefix) => [openSmtpd(prefix)])
  if (isWanted('haraka')) {
    if (harakaFolder === null) missing.push('haraka: name its package with --haraka FOLDER')
    else peers.push(haraka(harakaFolder, 'forward'), haraka(harakaFolder, 'proxy'))
  }
  if (isWanted('haproxy')) {
    const program = inPath('haproxy')
    if (program === undefined) missing.push('haproxy: not installed')
    else peers.push(haproxy(program))
  }
  const postfixPrefix = prefixes.get('postfix')
  return {
    peers,
    missing,
    tools: postfixPrefix?.kind === 'ready' ? toolsOf(postfixPrefix.prefix) : null,
  }
}

type Found =
  | { readonly kind: 'ready'; readonly prefix: string }
  | { readonly kind: 'missing'; readonly reason: string }

const installed: Readonly<Partial<Record<ProgramName, string>>> = {
  postfix: '/usr/lib/postfix/sbin/master',
  exim: '/usr/sbin/exim4',
  opensmtpd: '/usr/sbin/smtpd',
}

let unpacked: ReturnType<typeof findPrograms> | undefined

function prefixFor(name: ProgramName): Found {
  if (existsSync(installed[name] ?? '')) return { kind: 'ready', prefix: '' }
  unpacked ??= findPrograms()
  const program = unpacked.get(name)
  if (program?.kind === 'ready') return { kind: 'ready', prefix: prefixOf(unpacked, name) }
  return { kind: 'missing', reason: program?.reason ?? 'not looked for' }
}

function toolsOf(prefix: string): PostfixTools {
  return {
    folder: `${prefix}/usr/sbin`,
    environment: { LD_LIBRARY_PATH: `${prefix}/usr/lib/postfix` },
  }
}

function inPath(name: string): string | undefined {
  const folders = `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin`.split(':')
  return folders
    .map((folder) => path.join(folder, name))
    .find((file) => {
      try {
        accessSync(file, 1)
        return true
      } catch {
        return false
      }
    })
}
