// The good controls: each program set up as the report advises. No check may find a *must* violated there.

import { prefixOf, type Program, type ProgramName } from '../../interop/support/programs.ts'
import type { CertificateFiles } from '../../support/certificates.ts'
import { startExaminedCourier } from './courier.ts'
import type { RealServer, Vantage } from './examine.ts'
import { startExaminedExim } from './exim.ts'
import { goodMatch, startExaminedOpenSmtpd } from './opensmtpd.ts'
import { startExaminedPostfix } from './postfix.ts'
import { startExaminedSendmail } from './sendmail.ts'

export interface GoodServer {
  readonly name: string
  /** All of these have to be there. */
  readonly needs: readonly ProgramName[]
  /** How it is examined, besides by everything there is. */
  readonly vantage: Vantage
  readonly start: (
    programs: ReadonlyMap<ProgramName, Program>,
    leaf: CertificateFiles,
  ) => Promise<RealServer>
}

/** The certificate under the names that the snippets use. */
function tlsFiles(leaf: CertificateFiles): Readonly<Record<string, string>> {
  return { 'mail-fullchain.pem': leaf.certificate, 'mail.key': leaf.key }
}

export type GoodName = 'courier' | 'postfix' | 'exim' | 'opensmtpd' | 'sendmail'

export const goodServers: Readonly<Record<GoodName, GoodServer>> = {
  postfix: {
    name: 'Postfix',
    needs: ['postfix'],
    vantage: {},
    start: (programs, leaf) =>
      startExaminedPostfix(prefixOf(programs, 'postfix'), {
        mainCf: [
          `smtpd_tls_chain_files = ${leaf.keyPath}, ${leaf.certificatePath}`,
          'smtpd_tls_security_level = may',
          'smtpd_forbid_bare_newline = normalize',
        ],
      }),
  },
  exim: {
    name: 'Exim',
    needs: ['exim', 'exim-debian'],
    vantage: {},
    start: (programs, leaf) =>
      startExaminedExim(
        { exim: prefixOf(programs, 'exim'), configuration: prefixOf(programs, 'exim-debian') },
        {
          files: tlsFiles(leaf),
          macros: [
            'IGNORE_SMTP_LINE_LENGTH_LIMIT = true',
            'NO_CHECK_DATA_VERIFY_HEADER_SYNTAX = true',
            'CHECK_RCPT_NO_FAIL_TOO_MANY_BAD_RCPT = true',
            'MESSAGE_SIZE_LIMIT = 60M',
            'MAIN_TLS_ENABLE = yes',
            'MAIN_TLS_CERTIFICATE = /etc/exim4/mail-fullchain.pem',
            'MAIN_TLS_PRIVATEKEY = /etc/exim4/mail.key',
          ],
          main: ['smtp_accept_max = 100'],
        },
      ),
  },
  opensmtpd: {
    name: 'OpenSMTPD',
    needs: ['opensmtpd'],
    vantage: {},
    start: (programs) =>
      startExaminedOpenSmtpd(prefixOf(programs, 'opensmtpd'), {
        limits: ['smtp max-message-size 60M', 'smtp limit max-mails 1000'],
        matches: [
          'match from any for local rcpt-to regex "^postmaster@" action "local"',
          goodMatch,
        ],
      }),
  },
  sendmail: {
    name: 'sendmail',
    needs: ['sendmail'],
    // sendmail relays whatever comes from 127.0.0.1; the relay comes from elsewhere.
    vantage: { sources: ['127.0.0.10'] },
    start: (programs, leaf) =>
      startExaminedSendmail(prefixOf(programs, 'sendmail'), {
        files: tlsFiles(leaf),
        macros: [
          "define(`confCACERT_PATH', `/etc/ssl/certs')dnl",
          "define(`confCACERT', `/etc/ssl/certs/ca-certificates.crt')dnl",
          "define(`confSERVER_CERT', `/etc/mail/mail-fullchain.pem')dnl",
          "define(`confSERVER_KEY', `/etc/mail/mail.key')dnl",
          "define(`confPRIVACY_FLAGS', `goaway')dnl",
        ],
      }),
  },
  courier: {
    name: 'Courier',
    needs: ['courier'],
    vantage: {},
    start: (programs, leaf) =>
      startExaminedCourier(prefixOf(programs, 'courier'), {
        esmtpd: ['MAXPERIP=40', 'MAXPERC=40', 'TARPIT=0', 'TLS_CERTFILE=/etc/courier/own.pem'],
        files: { sizelimit: '62914560\n', 'own.pem': `${leaf.key}${leaf.certificate}` },
      }),
  },
}
