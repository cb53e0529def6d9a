// Postfix, once as an institute's server (virtual mailboxes) and once as a sender (everything to a relay host).

import { execFileSync } from 'node:child_process'
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, makeFolder, removeFolder, startDaemon, type Daemon } from './daemon.ts'
import {
  mailWaiter,
  maxMessageBytes,
  readMaildirs,
  type InstituteOptions,
  type InstituteServer,
} from './institute.ts'
import { senderDomain } from './messages.ts'
import { asRoot, mailboxOwner } from './programs.ts'
import { sendThrough, type Outcome, type Sender, type SenderLog } from './sender.ts'

export async function startPostfixInstitute(
  prefix: string,
  options: InstituteOptions,
  settings: readonly string[] = [],
): Promise<InstituteServer> {
  const folder = makeFolder('postfix-institute')
  const mailFolder = join(folder, 'mail')
  const owner = mailboxOwner()
  const addresses = options.mailboxes.map((name) => `${name}@${options.domain} ${name}/\n`)
  writeSettled(join(folder, 'mailboxes'), addresses.join(''))
  const instance = await startPostfix(prefix, folder, [
    `myhostname = mail.${options.domain}`,
    `virtual_mailbox_domains = ${options.domain}`,
    `virtual_mailbox_maps = texthash:${folder}/mailboxes`,
    `virtual_mailbox_base = ${mailFolder}`,
    'virtual_mailbox_limit = 0',
    'virtual_minimum_uid = 1',
    `virtual_uid_maps = static:${owner.uid}`,
    `virtual_gid_maps = static:${owner.gid}`,
    'smtpd_relay_restrictions = reject_unauth_destination',
    'mynetworks = 192.0.2.1/32', // nobody is at home here: the tests play the Internet
    ...settings,
  ])
  const received = readMaildirs(mailFolder)
  return { ...instance, received, waitForMails: mailWaiter(received, instance.log) }
}

const postfixLog: SenderLog = {
  queueId: /queued as (\w+)/,
  parseLine(line) {
    const match = /to=<([^>]*)>.* status=(sent|bounced|deferred)/.exec(line)
    if (match?.[1] === undefined) return []
    return [{ recipient: match[1], outcome: match[2] as Outcome }]
  },
}

export async function startPostfixSender(
  prefix: string,
  options: { readonly relayPort: number },
): Promise<Sender> {
  const folder = makeFolder('postfix-sender')
  const instance = await startPostfix(prefix, folder, [
    `myhostname = mx.${senderDomain}`,
    'mynetworks = 127.0.0.0/8',
    `relayhost = [127.0.0.1]:${options.relayPort}`,
    'smtp_tls_security_level = may',
    // Its bounces go to its own domain, and end there.
    `transport_maps = inline:{ { ${senderDomain} = discard: } }`,
    // RFC 5321 §4.5.3.1.8 lets a client name 100 recipients at once; Postfix's own limit is 50.
    'smtp_destination_recipient_limit = 100',
  ])
  return {
    send: async (mail, deadlineMs = 30_000) =>
      sendThrough(instance.port, instance.log, postfixLog, mail, deadlineMs),
    [Symbol.asyncDispose]: instance[Symbol.asyncDispose],
  }
}

export interface Instance extends AsyncDisposable {
  readonly port: number
  /** All its processes descend from this one. */
  readonly pid: number
  readonly log: () => string
}

export interface PostfixOptions {
  readonly maxSessionCount?: number
  /** Further lines of master.cf. */
  readonly services?: readonly string[]
}

/** Postfix with these settings over the common ones, in a folder that goes when it ends. */
export async function startPostfix(
  prefix: string,
  folder: string,
  settings: readonly string[],
  { maxSessionCount = 100, services = [] }: PostfixOptions = {},
): Promise<Instance> {
  const port = await freePort()
  const configFolder = join(folder, 'etc')
  mkdirSync(configFolder)
  const allSettings = lastOfEach([...commonSettings(prefix, folder), ...settings])
  writeSettled(join(configFolder, 'main.cf'), `${allSettings.join('\n')}\n`)
  writeSettled(join(configFolder, 'master.cf'), masterCf(port, maxSessionCount, services))
  let daemon: Daemon
  try {
    prepareQueue(folder)
    // The master alone, in the foreground: the postfix command would check and repair an installation.
    daemon = await startDaemon({
      command: ['env', ...environment(prefix, folder), `${daemonFolder(prefix)}/master`, '-d'],
      folder,
      port,
      user: 'root',
      logFile: join(folder, 'mail.log'),
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

/**
 * Every process warns of a parameter that is set twice, and a dozen of warnings fill the socket of the process that
 * writes the log: then all wait for each other, for ever.
 */
function lastOfEach(settings: readonly string[]): readonly string[] {
  const byName = new Map(settings.map((line) => [line.split('=', 1)[0]?.trim(), line]))
  return [...byName.values()]
}

// Postfix waits until a file it reads is a second old, lest somebody is still writing it. This one is complete.
export function writeSettled(file: string, text: string): void {
  writeFileSync(file, text)
  const aMinuteAgo = Date.now() / 1000 - 60
  utimesSync(file, aMinuteAgo, aMinuteAgo)
}

function daemonFolder(prefix: string): string {
  return `${prefix}/usr/lib/postfix/sbin`
}

// Set by env, not by spawn: that one would not get through sudo.
function environment(prefix: string, folder: string): readonly string[] {
  return [`LD_LIBRARY_PATH=${prefix}/usr/lib/postfix`, `MAIL_CONFIG=${folder}/etc`, 'LC_ALL=C']
}

function commonSettings(prefix: string, folder: string): readonly string[] {
  return [
    'compatibility_level = 3.6',
    `queue_directory = ${folder}/spool`,
    `data_directory = ${folder}/data`,
    `command_directory = ${prefix}/usr/sbin`,
    `daemon_directory = ${daemonFolder(prefix)}`,
    `shlib_directory = ${prefix}/usr/lib/postfix`,
    `meta_directory = ${folder}/etc`,
    `import_environment = ${environment(prefix, folder).join(' ')}`,
    'mail_owner = postfix',
    'setgid_group = postdrop',
    `maillog_file = ${folder}/mail.log`,
    `maillog_file_prefixes = ${folder}`,
    'inet_interfaces = 127.0.0.1',
    'inet_protocols = ipv4',
    'smtp_dns_support_level = disabled', // loopback only; no resolver is asked
    'smtpd_peername_lookup = no',
    'mydestination =',
    'alias_maps =',
    'local_recipient_maps =',
    'fast_flush_domains =',
    'notify_classes =',
    'in_flow_delay = 0s',
    `message_size_limit = ${maxMessageBytes}`,
    'mailbox_size_limit = 0',
    'smtpd_client_connection_count_limit = 0',
  ]
}

function masterCf(port: number, maxSessionCount: number, services: readonly string[]): string {
  const names = ['cleanup', 'bounce', 'trace bounce', 'defer bounce', 'rewrite trivial-rewrite']
  const delivery = [
    'smtp',
    'relay smtp',
    'virtual',
    'local',
    'error',
    'retry error',
    'discard',
    'proxymap',
  ]
  const single = ['qmgr', 'tlsmgr', 'anvil', 'scache', 'verify']
  const row = (entry: string, processes: string): string => {
    const [name = '', program = name] = entry.split(' ')
    const isPrivate = name === 'cleanup' || name === 'qmgr' ? 'n' : '-'
    const isUnprivileged = name === 'virtual' || name === 'local' ? 'n' : '-' // they become the mailbox owner
    return `${name} unix ${isPrivate} ${isUnprivileged} n - ${processes} ${program}`
  }
  return [
    `${port} inet n - n - ${maxSessionCount} smtpd`, // on inet_interfaces,
    ...names.map((entry) => row(entry, '0')),
    ...delivery.map((entry) => row(entry, '-')),
    ...single.map((entry) => row(entry, '1')),
    'postlog unix-dgram n - n - 1 postlogd',
    ...services,
    '',
  ].join('\n')
}

// What "postfix check" would create: queues only Postfix may enter, sockets anybody may know of.
function prepareQueue(folder: string): void {
  const queues = 'incoming,active,deferred,bounce,defer,trace,flush,hold,corrupt,saved,maildrop'
  const owned = `data spool/private spool/public spool/{${queues}}`
  const script = `
    cd "$1" && mkdir -p mail spool/pid ${owned} && touch mail.log
    chown postfix ${owned} && chmod 700 ${owned} && chown ${mailboxOwner().uid} mail
    chmod 711 spool/public && chmod 755 mail && chmod 644 mail.log`
  const [program = '', ...parameters] = asRoot(['bash', '-ec', script, 'bash', folder])
  execFileSync(program, parameters, { stdio: ['ignore', 'ignore', 'inherit'] })
}
