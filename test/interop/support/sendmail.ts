// sendmail as a sender: everything to a smart host. Its paths and the system log are compiled in, so it runs
// in a mount namespace with a /run and a /dev of its own; a few lines of Perl take down what it logs.

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, makeFolder, removeFolder, startDaemon, type Daemon } from './daemon.ts'
import { maxMessageBytes } from './institute.ts'
import { senderDomain } from './messages.ts'
import { sendThrough, type Outcome, type Sender, type SenderLog } from './sender.ts'

const outcomes: Readonly<Record<string, Outcome>> = {
  Sent: 'sent',
  Deferred: 'deferred',
}

const sendmailLog: SenderLog = {
  queueId: /2\.0\.0 (\S+) Message accepted/,
  // One line names many recipients of one outcome, a long list is cut and continued on the next line.
  parseLine(line) {
    const match = / to=(.*?), (?:\[more\], )?(?:ctladdr|delay)=.* stat=(\w+)/.exec(line)
    if (match?.[1] === undefined) return []
    const outcome = outcomes[match[2] ?? ''] ?? 'bounced'
    const addresses = match[1].replaceAll(/[<>]/g, '').split(',')
    return addresses.map((recipient) => ({ recipient, outcome }))
  },
}

export async function startSendmailSender(
  prefix: string,
  options: { readonly relayPort: number },
): Promise<Sender> {
  const folder = makeFolder('sendmail-sender')
  const { port, ...daemon } = await startSendmail(prefix, folder, {
    hostname: `mx.${senderDomain}`,
    macros: (ownPort) => configuration(prefix, ownPort, options.relayPort),
  })
  return {
    send: async (mail, deadlineMs = 30_000) =>
      sendThrough(port, daemon.log, sendmailLog, mail, deadlineMs),
    [Symbol.asyncDispose]: daemon[Symbol.asyncDispose],
  }
}

export interface Instance extends AsyncDisposable {
  readonly port: number
  readonly log: () => string
}

export interface SendmailOptions {
  readonly hostname: string
  /** The configuration before m4. */
  readonly macros: (port: number) => string
  /** A shell script for the namespace, in which `/run/mail` is its folder. */
  readonly prepare?: string
}

/** sendmail in a folder that goes when it ends. */
export async function startSendmail(
  prefix: string,
  folder: string,
  { hostname, macros: macrosOf, prepare = '' }: SendmailOptions,
): Promise<Instance> {
  let daemon: Daemon
  const port = await freePort()
  try {
    const macros = join(folder, 'sendmail.mc')
    writeFileSync(macros, macrosOf(port))
    const config = execFileSync(`${prefix}/usr/bin/m4`, [macros], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    writeFileSync(join(folder, 'sendmail.cf'), config)
    writeFileSync(join(folder, 'syslog.pl'), syslog)
    daemon = await startDaemon({
      command: [
        `${prefix}/usr/libexec/sendmail/sendmail`,
        '-bD',
        '-q1h',
        '-C',
        '/run/mail/sendmail.cf',
      ],
      folder,
      port,
      user: 'root',
      logFile: join(folder, 'mail.log'),
      namespace: { hostname, prepare: mounts(folder, hostname) + prepare },
    })
  } catch (error) {
    removeFolder(folder)
    throw error
  }
  return {
    port,
    log: daemon.log,
    async [Symbol.asyncDispose](): Promise<void> {
      await daemon[Symbol.asyncDispose]()
      removeFolder(folder)
    },
  }
}

function configuration(prefix: string, port: number, relayPort: number): string {
  const defines: Readonly<Record<string, string | number>> = {
    confDOMAIN_NAME: `mx.${senderDomain}`,
    QUEUE_DIR: '/run/mail/queue',
    confPID_FILE: '/run/mail/pid',
    STATUS_FILE: '/run/mail/statistics',
    HELP_FILE: '',
    ALIAS_FILE: '',
    confSERVICE_SWITCH_FILE: '/run/mail/service.switch',
    confDONT_PROBE_INTERFACES: 'True',
    confTO_IDENT: '0',
    confMAX_MESSAGE_SIZE: maxMessageBytes,
    confDEF_USER_ID: 'mail:mail',
    confREFUSE_LA: 1000, // a busy machine shall not keep it from sending
    confQUEUE_LA: 1000,
    SMART_HOST: 'relay:[127.0.0.1]',
    RELAY_MAILER_ARGS: `TCP $h ${relayPort}`,
  }
  const features = [
    'promiscuous_relay',
    'accept_unresolvable_domains',
    'nocanonify',
    'no_default_msa',
  ]
  return [
    `define(\`_CF_DIR_', \`${prefix}/usr/share/sendmail/cf/')dnl`,
    `include(\`${prefix}/usr/share/sendmail/cf/m4/cf.m4')dnl`,
    "OSTYPE(`linux')dnl",
    ...Object.entries(defines).map(([name, value]) => `define(\`${name}', \`${value}')dnl`),
    ...features.map((name) => `FEATURE(\`${name}')dnl`),
    `DAEMON_OPTIONS(\`Port=${port}, Addr=127.0.0.1, Name=MTA')dnl`,
    "MAILER(`smtp')dnl",
    // Its bounces go to its own domain, and end there.
    'MAILER_DEFINITIONS',
    'Mnowhere, P=/bin/dd, F=lsDFMeu, A=dd of=/dev/null status=none',
    'LOCAL_RULE_0',
    `R$* < @ ${senderDomain} . > $*\t$#nowhere $@ nowhere $: $1`,
    '',
  ].join('\n')
}

function mounts(folder: string, hostname: string): string {
  return `
    mount -t tmpfs -o mode=755 tmpfs /run
    mkdir -p /run/dev /run/mail/queue
    chmod 700 /run/mail/queue
    for name in null zero random urandom; do
      touch /run/dev/$name
      mount --bind /dev/$name /run/dev/$name
    done
    mount --rbind /run/dev /dev
    printf '127.0.0.1 localhost\\n127.0.1.1 ${hostname}\\n' >/run/mail/hosts
    mount --bind /run/mail/hosts /etc/hosts
    printf 'hosts: files\\npasswd: files\\ngroup: files\\n' >/run/mail/nsswitch
    mount --bind /run/mail/nsswitch /etc/nsswitch.conf
    printf 'hosts files\\n' >/run/mail/service.switch
    cp '${folder}/sendmail.cf' /run/mail/sendmail.cf
    setsid perl '${folder}/syslog.pl' '${folder}/mail.log' &
    while [ ! -S /dev/log ]; do sleep 0.02; done`
}

const syslog = `use IO::Socket::UNIX; use Socket;
open(my $log, '>>', $ARGV[0]) or die; $log->autoflush(1);
my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => '/dev/log') or die;
chmod 0666, '/dev/log';
while (defined $socket->recv(my $line, 65536)) { $line =~ s/^<\\d+>//; $line =~ s/[\\0\\n]+$//; print $log "$line\\n" }
print $log "logger ends: $!\\n";
`
