// greylistd beside Debian's Exim, whose ACLs greylistd-setup-exim4 has changed.

import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { makeFolder, removeFolder, startDaemon } from '../../interop/support/daemon.ts'
import { isRoot, mailboxOwner, systemUser } from '../../interop/support/programs.ts'

export interface Greylistd extends AsyncDisposable {
  /** As that of exim4-config, with the ACLs changed. */
  readonly configuration: string
}

const acls = [
  ['acl/30_exim4-config_check_rcpt', 'acl_check_rcpt'],
  ['acl/40_exim4-config_check_data', 'acl_check_data'],
] as const

/** `whitelist`: lines of /etc/greylistd/whitelist-hosts. */
export async function startGreylistd(
  prefixes: { readonly greylistd: string; readonly configuration: string },
  whitelist: readonly string[] = [],
): Promise<Greylistd> {
  const folder = makeFolder('greylistd')
  try {
    const configuration = join(folder, 'exim')
    const state = join(folder, 'state')
    mkdirSync(state)
    configureExim(prefixes, state, configuration)
    writeFileSync(join(state, 'whitelist-hosts'), `${whitelist.join('\n')}\n`)
    const daemon = await startProgram(prefixes.greylistd, folder)
    return {
      configuration,
      async [Symbol.asyncDispose](): Promise<void> {
        await daemon[Symbol.asyncDispose]()
        removeFolder(folder)
      },
    }
  } catch (error) {
    removeFolder(folder)
    throw error
  }
}

function configureExim(
  prefixes: { readonly greylistd: string; readonly configuration: string },
  state: string,
  configuration: string,
): void {
  const confD = join(configuration, 'etc/exim4/conf.d')
  cpSync(join(prefixes.configuration, 'etc/exim4/conf.d'), confD, { recursive: true })
  const setup = join(prefixes.greylistd, 'usr/sbin/greylistd-setup-exim4')
  for (const [name, acl] of acls) {
    const file = join(confD, name)
    execFileSync('/usr/bin/python3', [setup, 'add', '-quiet', '-no-reload', file, acl], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    writeFileSync(file, below(state, readFileSync(file, 'utf8')))
  }
}

/** All its paths lead into one folder of the bench. */
function below(state: string, text: string): string {
  return text.replace(/\/(?:var\/run|var\/lib|etc)\/greylistd\b/g, state)
}

// As Exim's own user. Debian gives greylistd one, and the right to its socket to Exim.
async function startProgram(prefix: string, folder: string): Promise<AsyncDisposable> {
  const state = join(folder, 'state')
  const program = join(folder, 'greylistd')
  copyFileSync(join(prefix, 'usr/sbin/greylistd'), program)
  const config = readFileSync(join(prefix, 'etc/greylistd/config'), 'utf8')
  writeFileSync(join(folder, 'config'), below(state, config))
  const user = isRoot() ? systemUser('Debian-exim') : mailboxOwner()
  if (isRoot()) execFileSync('chown', [`${user.uid}:${user.gid}`, state])
  const socket = join(state, 'socket')
  return await startDaemon({
    command: ['/usr/bin/python3', program, join(folder, 'config')],
    folder,
    port: 0,
    user,
    isUp: () => takesConnections(socket),
  })
}

async function takesConnections(path: string): Promise<boolean> {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
