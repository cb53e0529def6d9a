// Exim, once as an institute's server (maildirs) and once as a sender (everything to one route).
// It runs without root: it listens on a high port and delivers as the user it already is.

import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import {
  freePort,
  makeFolder,
  removeFolder,
  startDaemon,
  type Daemon,
  type DaemonOptions,
} from './daemon.ts'
import {
  mailWaiter,
  maxMessageBytes,
  readMaildirs,
  type InstituteOptions,
  type InstituteServer,
} from './institute.ts'
import { senderDomain } from './messages.ts'
import { isRoot, mailboxOwner, systemUser, type SystemUser } from './programs.ts'
import { sendThrough, type Sender, type SenderLog } from './sender.ts'

export async function startEximInstitute(
  prefix: string,
  options: InstituteOptions,
): Promise<InstituteServer> {
  const folder = makeFolder('exim-institute')
  const mailboxes = join(folder, 'mailboxes')
  writeFileSync(mailboxes, options.mailboxes.map((name) => `${name}: ${name}\n`).join(''))
  const instance = await startExim(
    prefix,
    folder,
    instituteConfig(folder, options.domain, mailboxes),
  )
  const received = readMaildirs(join(folder, 'mail'))
  return { ...instance, received, waitForMails: mailWaiter(received, instance.log) }
}

function instituteConfig(folder: string, domain: string, mailboxes: string): string {
  return `
primary_hostname = mail.${domain}
domainlist served = ${domain}
acl_smtp_rcpt = recipient

begin acl
recipient:
  deny    domains = !+served
          message = 550 5.7.1 relaying denied
  accept  local_parts = lsearch;${mailboxes}
  deny    message = 550 5.1.1 <$local_part@$domain>: no such mailbox here

begin routers
mailbox:
  driver = accept
  domains = +served
  local_parts = lsearch;${mailboxes}
  transport = maildir

begin transports
maildir:
  driver = appendfile
  directory = ${folder}/mail/$local_part_data
  maildir_format
  create_directory
  return_path_add
  envelope_to_add
`
}

const eximLog: SenderLog = {
  queueId: /OK id=(\S+)/,
  parseLine(line) {
    const match = /^\S+ \S+ \S+ (=>|->|\*\*|==) ([^\s:]+)/.exec(line)
    if (match?.[2] === undefined) return []
    const outcome = match[1] === '**' ? 'bounced' : match[1] === '==' ? 'deferred' : 'sent'
    return [{ recipient: match[2], outcome }]
  },
}

export async function startEximSender(
  prefix: string,
  options: { readonly relayPort: number },
): Promise<Sender> {
  const folder = makeFolder('exim-sender')
  const instance = await startExim(prefix, folder, senderConfig(options.relayPort))
  return {
    send: async (mail, deadlineMs = 30_000) =>
      sendThrough(instance.port, instance.log, eximLog, mail, deadlineMs),
    [Symbol.asyncDispose]: instance[Symbol.asyncDispose],
  }
}

// Its bounces go to its own domain, and end there.
function senderConfig(relayPort: number): string {
  return `
primary_hostname = mx.${senderDomain}
acl_smtp_rcpt = accept
log_selector = +smtp_confirmation

begin routers
own:
  driver = redirect
  domains = ${senderDomain}
  data = :blackhole:
outside:
  driver = manualroute
  route_list = * 127.0.0.1 byname
  self = send
  transport = relay

begin transports
relay:
  driver = smtp
  port = ${relayPort}
  allow_localhost
  hosts_try_dane =

begin retry
* * F,1h,5m
`
}

export interface Instance extends AsyncDisposable {
  readonly port: number
  /** All its processes descend from this one. */
  readonly pid: number
  readonly log: () => string
}

export interface EximOptions {
  /** In a process namespace, whose first process waits for all others: none is lost sight of. Needs root. */
  readonly isIsolated?: boolean
  /** What stands before the rest; the bench's own when left out. */
  readonly common?: (folder: string, port: number, user: SystemUser) => string
}

/** Exim with this behind the common configuration, in a folder that goes when it ends. */
export async function startExim(
  prefix: string,
  folder: string,
  config: string,
  { isIsolated = false, common = commonConfig }: EximOptions = {},
): Promise<Instance> {
  const port = await freePort()
  const user = isRoot() ? systemUser('Debian-exim') : mailboxOwner()
  // A copy of its own: the cache lies in a home folder, where Exim's user may not be able to look.
  copyFileSync(`${prefix}/usr/sbin/exim4`, join(folder, 'exim4'))
  for (const name of ['spool', 'log', 'mail']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'exim.conf'), common(folder, port, user) + config)
  if (isRoot()) execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, folder])
  let daemon: Daemon
  try {
    const command = [join(folder, 'exim4'), '-C', join(folder, 'exim.conf'), '-bdf', '-q1h']
    daemon = await startDaemon({
      ...(isIsolated ? isolated(command, user) : { command, user }),
      folder,
      port,
      logFile: join(folder, 'log', 'mainlog'),
    })
  } catch (error) {
    removeFolder(folder)
    throw error
  }
  return {
    port,
    pid: daemon.pid,
    log: daemon.log,
    async [Symbol.asyncDispose](): Promise<void> {
      await daemon[Symbol.asyncDispose]()
      removeFolder(folder)
    },
  }
}

function isolated(
  command: readonly string[],
  { uid, gid }: SystemUser,
): Pick<DaemonOptions, 'command' | 'user' | 'namespace'> {
  const asUser = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...command]
  return {
    command: ['sh', '-c', '"$@" & wait', 'sh', ...asUser],
    user: 'root',
    namespace: { hostname: 'localhost', prepare: ':' },
  }
}

function commonConfig(folder: string, port: number, user: SystemUser): string {
  return `
exim_path = ${folder}/exim4
exim_user = ${user.uid}
exim_group = ${user.gid}
deliver_drop_privilege
spool_directory = ${folder}/spool
log_file_path = ${folder}/log/%slog
pid_file_path = ${folder}/exim.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = ${port}
host_lookup =
helo_lookup_domains =
rfc1413_query_timeout = 0s
keep_environment =
message_size_limit = ${maxMessageBytes}
smtp_accept_max = 200
smtp_accept_max_per_connection = 0
smtp_accept_queue_per_connection = 0
`
}
