// Which real mail programs this machine can run, found out (and made so) by install.sh.

import { execFileSync } from 'node:child_process'
import { userInfo } from 'node:os'
import { join } from 'node:path'

export type ProgramName =
  | 'postfix'
  | 'exim'
  | 'opensmtpd'
  | 'sendmail'
  | 'courier'
  | 'postgrey'
  | 'clamav'
  | 'exim-heavy'
  | 'greylistd'
  | 'spamassassin'
  | 'opendmarc'
  | 'policyd-spf'
  | 'rspamd'
  | 'iproute2'
  | 'nftables'
  | 'swaks'
  | 'exim-debian'
  | 'knot'
  | 'unbound'

export type Program =
  | { readonly kind: 'ready'; readonly prefix: string }
  | { readonly kind: 'missing'; readonly reason: string }

/**
 * Unpacks what is missing (seconds the first time, else well below one) and reports each program; without names
 * those of the interop tests.
 */
export function findPrograms(...names: readonly ProgramName[]): ReadonlyMap<ProgramName, Program> {
  const output = execFileSync(join(import.meta.dirname, 'install.sh'), names, {
    encoding: 'utf8',
    timeout: 300_000,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const programs = new Map<ProgramName, Program>()
  for (const line of output.trim().split('\n')) {
    const [name, state, detail = ''] = line.split('\t')
    const program: Program =
      state === 'ready' ? { kind: 'ready', prefix: detail } : { kind: 'missing', reason: detail }
    // The script prints the names it was written with; a lookup by any other name finds nothing.
    programs.set(name as ProgramName, program)
  }
  return programs
}

/** Why a test that needs these programs cannot run, or false: the shape of node:test's `skip`. */
export function skipReason(
  programs: ReadonlyMap<ProgramName, Program>,
  ...needed: readonly ProgramName[]
): string | false {
  const reasons = needed.flatMap((name) => {
    const program = programs.get(name)
    if (program?.kind === 'ready') return []
    return [`${name}: ${program?.reason ?? 'not looked for'}`]
  })
  return reasons.length > 0 ? reasons.join('; ') : false
}

/** The prefix of a program a test has made sure of with `skipReason`. */
export function prefixOf(programs: ReadonlyMap<ProgramName, Program>, name: ProgramName): string {
  const program = programs.get(name)
  if (program?.kind !== 'ready') throw new Error(`${name} is not ready`)
  return program.prefix
}

/** How to run a command as root: directly, or by sudo when this is somebody else. */
export function asRoot(command: readonly string[]): readonly string[] {
  return isRoot() ? command : ['sudo', '-n', ...command]
}

export function isRoot(): boolean {
  return process.getuid?.() === 0
}

export interface SystemUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** The user of this name in the system's list. */
export function systemUser(name: string): SystemUser {
  const [, , uid, gid] = execFileSync('getent', ['passwd', name], { encoding: 'utf8' }).split(':')
  return { name, uid: Number(uid), gid: Number(gid) }
}

/** Who owns delivered mail: Debian's `mail` when root runs the tests, else whoever does, who must read it. */
export function mailboxOwner(): SystemUser {
  if (isRoot()) return systemUser('mail')
  const { username, uid, gid } = userInfo()
  return { name: username, uid, gid }
}
