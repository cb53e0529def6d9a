// OpenSMTPD, once as an institute's server (maildirs) and once as a sender (everything to one host).
// Its paths are compiled in, so it runs in a mount namespace where they lead to folders of its own.

import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
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
import { mailboxOwner } from './programs.ts'
import { sendThrough, type Sender, type SenderLog } from './sender.ts'

export async function startOpenSmtpdInstitute(
  prefix: string,
  options: InstituteOptions & {
    /**
     * Why a stranger is refused: no rule wants the address (`550 Invalid recipient`), or a rule for the whole
     * domain finds nobody behind it (`524 5.2.4 Mailing list expansion problem`). Both are common set-ups.
     */
    readonly strangers?: 'unmatched' | 'unexpanded'
  },
): Promise<InstituteServer> {
  const folder = makeFolder('opensmtpd-institute')
  const owner = mailboxOwner().name
  const addresses = options.mailboxes.map((name) => `${name}@${options.domain}: ${owner}\n`)
  writeFileSync(join(folder, 'mailboxes'), addresses.join(''))
  const rcptTo = options.strangers === 'unexpanded' ? '' : ' rcpt-to <addresses>'
  const instance = await startOpenSmtpd(prefix, folder, `mail.${options.domain}`, [
    `table mailboxes file:${folder}/mailboxes`,
    `action "mailbox" maildir "${folder}/mail/%{rcpt.user}" virtual <mailboxes>`,
    `table addresses { ${options.mailboxes.map((name) => `"${name}@${options.domain}"`).join(' ')} }`,
    `match from any for domain "${options.domain}"${rcptTo} action "mailbox"`,
  ])
  const received = readMaildirs(join(folder, 'mail'))
  return { ...instance, received, waitForMails: mailWaiter(received, instance.log) }
}

const outcomes = { Ok: 'sent', PermFail: 'bounced', TempFail: 'deferred' } as const

const openSmtpdLog: SenderLog = {
  queueId: /2\.0\.0:? ([0-9a-f]{8})/,
  parseLine(line) {
    const match = / delivery .* to=<([^>]*)>.* result="?(Ok|PermFail|TempFail)/.exec(line)
    if (match?.[1] === undefined) return []
    return [{ recipient: match[1], outcome: outcomes[match[2] as keyof typeof outcomes] }]
  },
}

export async function startOpenSmtpdSender(
  prefix: string,
  options: { readonly relayPort: number },
): Promise<Sender> {
  const folder = makeFolder('opensmtpd-sender')
  const instance = await startOpenSmtpd(prefix, folder, `mx.${senderDomain}`, [
    // Its bounces go to its own domain, and end there.
    `table everybody { "@" = "${mailboxOwner().name}" }`,
    'action "nowhere" mda "/bin/cat >/dev/null" virtual <everybody>',
    `action "relay" relay host "smtp://127.0.0.1:${options.relayPort}" helo "mx.${senderDomain}"`,
    `match from any for domain "${senderDomain}" action "nowhere"`,
    'match from any for any action "relay"',
  ])
  return {
    send: async (mail, deadlineMs = 30_000) =>
      sendThrough(instance.port, instance.log, openSmtpdLog, mail, deadlineMs),
    [Symbol.asyncDispose]: instance[Symbol.asyncDispose],
  }
}

export interface Instance extends AsyncDisposable {
  readonly port: number
  /** All its processes descend from this one. */
  readonly pid: number
  readonly log: () => string
}

/** OpenSMTPD with these rules, in a folder that goes when it ends. */
export async function startOpenSmtpd(
  prefix: string,
  folder: string,
  hostname: string,
  rules: readonly string[],
  listen: (port: number, hostname: string) => readonly string[] = listenLarge,
): Promise<Instance> {
  const port = await freePort()
  const owner = mailboxOwner()
  mkdirSync(join(folder, 'mail'))
  chownSync(join(folder, 'mail'), owner.uid, owner.gid)
  // It asks for the name of every client: only the hosts file may answer.
  writeFileSync(join(folder, 'resolv.conf'), 'lookup file\nnameserver 127.0.0.1\n')
  const config = [...listen(port, hostname), ...rules, '']
  writeFileSync(join(folder, 'smtpd.conf'), config.join('\n'), { mode: 0o600 })
  let daemon: Daemon
  try {
    daemon = await startDaemon({
      command: [`${prefix}/usr/sbin/smtpd`, '-d', '-f', join(folder, 'smtpd.conf')],
      namespace: { hostname, prepare: mounts(prefix, folder) },
      folder,
      port,
      user: 'root',
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

function listenLarge(port: number, hostname: string): readonly string[] {
  return [
    `smtp max-message-size "${maxMessageBytes}"`,
    `listen on 127.0.0.1 port ${port} hostname ${hostname}`,
  ]
}

function mounts(prefix: string, folder: string): string {
  return `
    for place in /run /usr/libexec /var/lib /var/spool; do mount -t tmpfs -o mode=755 tmpfs $place; done
    mkdir -p /var/spool/smtpd /usr/libexec/opensmtpd /var/lib/opensmtpd/empty
    chmod 711 /var/spool/smtpd
    mount --bind '${prefix}/usr/libexec/opensmtpd' /usr/libexec/opensmtpd
    mount --bind '${folder}/resolv.conf' /etc/resolv.conf`
}
