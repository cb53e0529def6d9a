// What to change, in the configuration language of each program. `@NETWORKS@` and its variants stand for the
// relay's networks. A missing entry means: nothing to change there, or no such setting.

import { text, type Text } from '#compliance/text.ts'
import type { Mta } from './recognise.ts'

/** What a remedy can be about. */
export type SnippetTopic =
  | 'firewall'
  | 'listen-everywhere'
  | 'networks'
  | 'domain'
  | 'recipients'
  | 'recipient-count'
  | 'size'
  | 'connections'
  | 'filters'
  | 'content-rules'
  | 'sender-checks'
  | 'postmaster'
  | 'bare-postmaster'
  | 'vrfy'
  | 'tls'
  | 'eight-bit'
  | 'bare-newlines'

export interface Snippet {
  /** Where it goes, such as a file; for people. */
  readonly where: Text
  /** May have several lines. */
  readonly code: string
}

/** Whose configuration it is: the mail server's, or that of the firewall before it. */
export type System = Mta | 'nftables'

type BySystem = Readonly<Partial<Record<System, Snippet>>>

function at(where: string, code: string): Snippet {
  return { where: { de: where, en: where }, code }
}

const exchangeShell = 'Exchange Management Shell'

const exchangeConnector: Snippet = {
  where: text(
    `${exchangeShell}; ist Port 25 dieser Adresse schon vergeben, eine zweite Adresse nehmen oder Port 2525 und ihn als Prüfport nennen`,
    `${exchangeShell}; when port 25 of this address is taken, use a second address, or port 2525 and name it as callout port`,
  ),
  code: `New-ReceiveConnector -Name "Mailrelay" -Server EX1 -TransportRole HubTransport -Usage Custom \`
  -Bindings <own IP>:25 -RemoteIPRanges @NETWORKS,@ \`
  -PermissionGroups AnonymousUsers -AuthMechanism Tls -MaxMessageSize 60MB \`
  -TarpitInterval 00:00:00 -MaxInboundConnectionPerSource unlimited \`
  -MaxInboundConnectionPercentagePerSource 100`,
}

const exchangeRecipients = at(
  exchangeShell,
  `& $env:ExchangeInstallPath\\Scripts\\Install-AntiSpamAgents.ps1
Set-RecipientFilterConfig -Enabled $true -RecipientValidationEnabled $true
Set-AcceptedDomain @DOMAIN@ -AddressBookEnabled $true
Set-SenderIdConfig -Enabled $false
Set-SenderReputationConfig -Enabled $false
Restart-Service MSExchangeTransport`,
)

const postfixNetworks = at(
  '/etc/postfix/relay_nets.cidr, main.cf',
  `# /etc/postfix/relay_nets.cidr
@NETWORKS CIDR permit@
# main.cf: put this in front of what stands in each list today; mynetworks stays as it is
smtpd_client_restrictions = check_client_access cidr:/etc/postfix/relay_nets.cidr
smtpd_helo_restrictions = check_client_access cidr:/etc/postfix/relay_nets.cidr
smtpd_sender_restrictions = check_client_access cidr:/etc/postfix/relay_nets.cidr
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions = reject_unlisted_recipient,
    check_client_access cidr:/etc/postfix/relay_nets.cidr
smtpd_client_event_limit_exceptions = $mynetworks, @NETWORKS, BRACKETS@
postscreen_access_list = permit_mynetworks, cidr:/etc/postfix/relay_nets.cidr
# postgrey, if it is there: the same networks in /etc/postgrey/whitelist_clients.local`,
)

const postfixConnections = at(
  'main.cf',
  `smtpd_client_event_limit_exceptions = $mynetworks, @NETWORKS, BRACKETS@
# the pause after errors cannot be lifted for some clients only; these are the defaults
smtpd_soft_error_limit = 10
smtpd_error_sleep_time = 1s`,
)

/** For Postfix and sendmail: what each filter has to be told so that it refuses the relays nothing. */
const milterSettings = `# in /etc/default/spamass-milter: OPTIONS without -r, or with -i @NETWORKS,@
# in /etc/clamav/clamav-milter.conf: OnInfected Quarantine
# in /etc/opendmarc.conf: RejectFailures false, or IgnoreHosts with a file that has the relay networks
# in /etc/rspamd/local.d/worker-proxy.inc: quarantine_on_reject = true;
# or in /etc/rspamd/local.d/settings.conf, which the test string of spam (GTUBE) does not obey:
#   relays { ip = [@NETWORKS,@]; apply { actions { reject = null; greylist = null; } } }`

const eximNetworks = at('/etc/exim4/host_local_deny_exceptions (Debian)', '@NETWORKS LINES@')

const eximContent = at(
  '/etc/exim4/conf.d/main/000_localmacros or /etc/exim4/exim4.conf.localmacros (Debian)',
  `IGNORE_SMTP_LINE_LENGTH_LIMIT = true
NO_CHECK_DATA_VERIFY_HEADER_SYNTAX = true
CHECK_RCPT_NO_FAIL_TOO_MANY_BAD_RCPT = true`,
)

const sendmailAccess =
  '/etc/mail/access (TAB between key and value; instead of other lines of the same key), then: makemap hash access < access'

const sendmailNetworks = at(
  sendmailAccess,
  `@NETWORKS Connect OK@
@NETWORKS GreetPause 0@
@NETWORKS ClientRate 0@
@NETWORKS ClientConn 0@`,
)

const courierAccess = `# /etc/courier/smtpaccess/relays
@NETWORKS courier@`

const courierFilters = at(
  '/etc/courier/smtpaccess/relays (TAB before allow; no RELAYCLIENT), then: makesmtpaccess',
  `${courierAccess}
# a filter beside it spares no network unless it looks itself (OTCPREMOTEIP in the control file): let it mark, or
#   filterctl stop perlfilter`,
)

const courierConnections = at(
  '/etc/courier/esmtpd; smtpaccess/relays (TAB before allow), then: makesmtpaccess',
  `MAXPERIP=40
MAXPERC=40
TARPIT=0
${courierAccess}`,
)

const opensmtpdBarePostmaster =
  'match from any for local rcpt-to regex "^postmaster@" action "local"'

const opensmtpdNetworks = at(
  '/etc/smtpd.conf, before the other match lines',
  `table relays { @NETWORKS quoted@ }
match from src <relays> for domain "@DOMAIN@" rcpt-to <recipients> action "local"
# rcpt-to and action as in the line of this domain for others
# a filter that looks at the client: leave it out of the line listen on, or let it spare src <relays>`,
)

const opensmtpdLimits = at(
  '/etc/smtpd.conf',
  `smtp max-message-size 60M
smtp limit max-mails 1000`,
)

export const snippets: Readonly<Record<SnippetTopic, BySystem>> = {
  firewall: {
    nftables: {
      where: text(
        '/etc/nftables.conf, Kette mit „hook input“, vor der ersten Regel, die verwirft; dann: nft -f /etc/nftables.conf. Andere Firewalls auf dem Weg ebenso',
        '/etc/nftables.conf, chain with “hook input”, before the first rule that drops; then: nft -f /etc/nftables.conf. Other firewalls on the way likewise',
      ),
      code: '@NETWORKS nftables@',
    },
  },
  'listen-everywhere': {
    postfix: at('main.cf', 'inet_interfaces = all\ninet_protocols = all'),
    exim: at('/etc/exim4/update-exim4.conf.conf', "dc_local_interfaces='<; 0.0.0.0 ; ::0'"),
    sendmail: at(
      '/etc/mail/sendmail.mc',
      "DAEMON_OPTIONS(`Family=inet, Name=MTA-v4, Port=smtp')dnl\nDAEMON_OPTIONS(`Family=inet6, Name=MTA-v6, Port=smtp')dnl",
    ),
    opensmtpd: at('/etc/smtpd.conf', 'listen on 0.0.0.0\nlisten on ::'),
    courier: at('/etc/courier/esmtpd', 'ADDRESS=0\nPORT=25'),
    exchange: at(exchangeShell, 'Set-ReceiveConnector "Mailrelay" -Bindings 0.0.0.0:25,[::]:25'),
  },
  networks: {
    postfix: postfixNetworks,
    exim: eximNetworks,
    exchange: exchangeConnector,
    sendmail: sendmailNetworks,
    courier: courierConnections,
    opensmtpd: opensmtpdNetworks,
  },
  domain: {
    postfix: at(
      'main.cf',
      'mydestination = $myhostname, localhost, @DOMAIN@\n# or virtual_mailbox_domains, or relay_domains',
    ),
    exim: at('/etc/exim4/update-exim4.conf.conf', "dc_other_hostnames='@DOMAIN@'"),
    exchange: at(
      exchangeShell,
      'New-AcceptedDomain -Name "@DOMAIN@" -DomainName @DOMAIN@ -DomainType Authoritative',
    ),
    sendmail: at('/etc/mail/local-host-names', '@DOMAIN@'),
    courier: at(
      '/etc/courier/esmtpacceptmailfor.dir/@DOMAIN@ and /etc/courier/locals, then: makeacceptmailfor',
      `# /etc/courier/esmtpacceptmailfor.dir/@DOMAIN@
@DOMAIN@
# /etc/courier/locals
@DOMAIN@`,
    ),
    opensmtpd: at('/etc/smtpd.conf', 'match from any for domain "@DOMAIN@" action "local"'),
  },
  recipients: {
    postfix: at(
      'main.cf',
      `local_recipient_maps = proxy:unix:passwd.byname $alias_maps
# for domains that are not local: relay_recipient_maps or virtual_mailbox_maps, without a line @@DOMAIN@
luser_relay =
unknown_local_recipient_reject_code = 550
unverified_recipient_reject_code = 550
soft_bounce = no`,
    ),
    exim: at(
      'acl_check_rcpt, before the first accept for local domains; no router that takes every local part',
      `  deny
    domains = +local_domains : +relay_to_domains
    !verify = recipient
    message = 5.1.1 User unknown
# a server that passes on to another one asks that one:
#   verify = recipient/callout=20s,defer_ok,use_sender`,
    ),
    exchange: exchangeRecipients,
    sendmail: at(
      '/etc/mail/sendmail.mc: no LUSER_RELAY, and no @domain in virtusertable',
      "dnl define(`LUSER_RELAY', ...)",
    ),
    courier: at(
      '/etc/courier/aliasdir: no .courier-default, which takes what nobody else takes; no alias @@DOMAIN@',
      'rm /etc/courier/aliasdir/.courier-default',
    ),
    opensmtpd: at(
      '/etc/smtpd.conf: no alias or virtual entry @',
      'match from any for domain "@DOMAIN@" rcpt-to <recipients> action "local"',
    ),
  },
  'recipient-count': {
    postfix: at('main.cf', 'smtpd_recipient_limit = 1000'),
    exim: at('main section', 'recipients_max = 1000'),
    exchange: at(
      exchangeShell,
      'Set-ReceiveConnector "Mailrelay" -MaxRecipientsPerMessage 1000\nSet-TransportConfig -MaxRecipientEnvelopeLimit 1000',
    ),
    sendmail: at('/etc/mail/sendmail.mc', "define(`confMAX_RCPTS_PER_MESSAGE', `1000')dnl"),
    courier: at('/etc/courier/bofh, instead of another line maxrcpts', 'maxrcpts 1000'),
    opensmtpd: at('/etc/smtpd.conf', 'smtp limit max-rcpt 1000'),
  },
  size: {
    postfix: at(
      'main.cf',
      'message_size_limit = 62914560\nmailbox_size_limit = 0\nvirtual_mailbox_limit = 0',
    ),
    exim: at(
      '/etc/exim4/exim4.conf.localmacros (Debian), else message_size_limit',
      'MESSAGE_SIZE_LIMIT = 60M',
    ),
    exchange: at(
      exchangeShell,
      'Set-TransportConfig -MaxReceiveSize 60MB\nSet-ReceiveConnector "Mailrelay" -MaxMessageSize 60MB',
    ),
    sendmail: at('/etc/mail/sendmail.mc', "define(`confMAX_MESSAGE_SIZE',`62914560')dnl"),
    courier: at('/etc/courier/sizelimit', '62914560'),
    opensmtpd: opensmtpdLimits,
  },
  connections: {
    postfix: postfixConnections,
    exim: at(
      'main section',
      `smtp_accept_max = 100
smtp_accept_max_per_connection = 1000
# each question about a recipient ends with RSET, which counts here
smtp_accept_max_nonmail = 1000
# smtp_accept_max_per_host: unset`,
    ),
    exchange: exchangeConnector,
    sendmail: sendmailNetworks,
    courier: courierConnections,
  },
  filters: {
    postfix: at(
      'main.cf, /etc/postfix/smtpd_milter_map.cidr',
      `# main.cf
smtpd_milter_maps = cidr:/etc/postfix/smtpd_milter_map.cidr
# /etc/postfix/smtpd_milter_map.cidr: no milter for the relays
@NETWORKS CIDR DISABLE@
# or instead
${milterSettings}
# for amavis: $final_virus_destiny = D_DISCARD; $final_spam_destiny = D_PASS; (never D_BOUNCE)
# in /etc/postfix-policyd-spf-python/policyd-spf.conf (no milter), without blanks behind the commas:
#   skip_addresses = 127.0.0.0/8,::1,@NETWORKS,@
#   or
#   Mail_From_reject = False
#   HELO_reject = False`,
    ),
    exim: at(
      'acl_check_data (Debian: the file of CHECK_DATA_LOCAL_ACL_FILE), before the first deny',
      `  accept
    hosts = <; @NETWORKS;@
# or mark for everybody: in the deny with spam = ... or malware = ..., write warn instead of deny, and instead of message
#   add_header = X-Spam-Score: $spam_score
#   add_header = X-Virus: $malware_name`,
    ),
    exchange: at(
      exchangeShell,
      `Set-ContentFilterConfig -RejectEnabled $false -QuarantineEnabled $true -QuarantineMailbox quarantine@@DOMAIN@
Set-MalwareFilterPolicy -Identity Default -Action DeleteMessage`,
    ),
    sendmail: {
      where: text('Dateien der Milter', 'files of the milters'),
      code: milterSettings,
    },
    courier: courierFilters,
    opensmtpd: at(
      '/etc/smtpd.conf: listeners for the relays without filter, or with one that only marks',
      'listen on 0.0.0.0\nlisten on ::',
    ),
  },
  'content-rules': {
    exim: eximContent,
  },
  'sender-checks': {
    postfix: postfixNetworks,
    exim: at(
      'Debian: remove the file; and the networks into /etc/exim4/host_local_deny_exceptions',
      `rm /etc/exim4/local_sender_callout
# remove CHECK_RCPT_VERIFY_SENDER and CHECK_RCPT_SPF from the macros
@NETWORKS LINES@`,
    ),
    exchange: at(
      exchangeShell,
      'Set-SenderIdConfig -Enabled $false\nSet-SenderReputationConfig -Enabled $false\nRestart-Service MSExchangeTransport',
    ),
    sendmail: at(
      sendmailAccess,
      `From:@DOMAIN@\tOK
# and no other line From:… REJECT; a milter that looks at senders has a list of its own of whom it spares`,
    ),
    courier: at(
      '/etc/courier/bofh; smtpaccess/relays (TAB before allow), then: makesmtpaccess',
      `sed -i '/^badfrom .*[@.]@DOMAIN@$/d' /etc/courier/bofh
${courierAccess}`,
    ),
  },
  postmaster: {
    postfix: at(
      '/etc/aliases, then: newaliases; main.cf, in front of what stands in these lists today',
      `# /etc/aliases
postmaster: admin
# main.cf: the first line for a domain that is virtual or passed on, the second against a table that refuses
virtual_alias_maps = inline:{ { postmaster@@DOMAIN@ = admin@@DOMAIN@ } }
smtpd_recipient_restrictions = check_recipient_access inline:{ { postmaster@@DOMAIN@ = OK } }`,
    ),
    exim: at('/etc/aliases, instead of another line for postmaster', 'postmaster: admin'),
    exchange: at(exchangeShell, 'Set-Mailbox admin -EmailAddresses @{add="postmaster@@DOMAIN@"}'),
    sendmail: at('/etc/mail/aliases, then: newaliases', 'postmaster: admin'),
    courier: at('/etc/courier/aliases/system, then: makealiases', 'postmaster: admin'),
    opensmtpd: at(
      '/etc/aliases; /etc/smtpd.conf, before the other match lines',
      `# /etc/aliases
postmaster: admin
# /etc/smtpd.conf: the second line is for <postmaster> without a domain
match from any for domain "@DOMAIN@" rcpt-to "postmaster@@DOMAIN@" action "local"
${opensmtpdBarePostmaster}`,
    ),
  },
  'bare-postmaster': {
    opensmtpd: at('/etc/smtpd.conf, before the other match lines', opensmtpdBarePostmaster),
  },
  vrfy: {
    postfix: at('main.cf', 'disable_vrfy_command = yes'),
    exim: at('main section: no ACL that accepts', 'acl_smtp_vrfy = deny'),
    sendmail: at('/etc/mail/sendmail.mc', "define(`confPRIVACY_FLAGS', `goaway')dnl"),
    courier: at('/etc/courier/esmtpd', 'BOFHNOEXPN=1\nBOFHNOVRFY=1'),
  },
  tls: {
    postfix: at(
      'main.cf',
      `smtpd_tls_chain_files = /etc/ssl/private/mail.key, /etc/ssl/mail-fullchain.pem
smtpd_tls_security_level = may
smtpd_tls_protocols = >=TLSv1.2`,
    ),
    exim: at(
      '/etc/exim4/exim4.conf.localmacros (Debian)',
      `MAIN_TLS_ENABLE = yes
MAIN_TLS_CERTIFICATE = /etc/ssl/mail-fullchain.pem
MAIN_TLS_PRIVATEKEY = /etc/exim4/mail.key`,
    ),
    exchange: at(
      exchangeShell,
      `Enable-ExchangeCertificate -Thumbprint <thumbprint> -Services SMTP
$cert = Get-ExchangeCertificate <thumbprint>
Set-ReceiveConnector "Mailrelay" -TlsCertificateName "<i>$($cert.Issuer)<s>$($cert.Subject)"`,
    ),
    sendmail: at(
      '/etc/mail/sendmail.mc',
      `define(\`confCACERT_PATH', \`/etc/ssl/certs')dnl
define(\`confCACERT', \`/etc/ssl/certs/ca-certificates.crt')dnl
define(\`confSERVER_CERT', \`/etc/mail/tls/mail-fullchain.pem')dnl
define(\`confSERVER_KEY', \`/etc/mail/tls/mail.key')dnl`,
    ),
    courier: at(
      '/etc/courier/esmtpd',
      `# key and full chain in one file, which user courier can read; without it no STARTTLS is offered
TLS_CERTFILE=/etc/courier/mail-fullchain-and-key.pem`,
    ),
    opensmtpd: at(
      '/etc/smtpd.conf',
      `pki mail cert "/etc/ssl/mail-fullchain.pem"
pki mail key "/etc/ssl/private/mail.key"
listen on 0.0.0.0 tls pki mail
listen on :: tls pki mail
# OpenSMTPD 6.8 fails at each handshake when it is built with OpenSSL 3 (Debian 12, Ubuntu 22.04): 7.3 or newer is needed`,
    ),
  },
  'eight-bit': {
    exim: at('main section', 'accept_8bitmime = true'),
    exchange: at(exchangeShell, 'Set-ReceiveConnector "Mailrelay" -EightBitMimeEnabled $true'),
  },
  'bare-newlines': {
    postfix: at(
      'main.cf (3.9, 3.8.5, 3.7.10, 3.6.14, 3.5.24 or newer)',
      `smtpd_forbid_bare_newline = normalize
# the default spares $mynetworks, and the relays may be in it
smtpd_forbid_bare_newline_exclusions =`,
    ),
  },
}
