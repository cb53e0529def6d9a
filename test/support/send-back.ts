// What servers send back to the senders of test mails, sent to a catcher.

import { connectRaw } from './raw-client.ts'

/** Also `callback`: only asks whether the address exists, and gives the reply. */
export type SentBack = 'failed' | 'delayed' | 'vacation' | 'callback' | { readonly reply: string }

/** The catcher's last reply. */
export async function sendBack(port: number, to: string, what: SentBack): Promise<string> {
  await using client = await connectRaw({ port })
  await client.expect(220)
  await client.command('EHLO mail.inst.example', 250)
  const from = typeof what === 'object' ? 'anna@inst.example' : ''
  await client.command(`MAIL FROM:<${from}>`, 250)
  const said = await client.command(`RCPT TO:<${to}>`)
  if (what === 'callback' || !said.startsWith('250')) {
    await client.command('QUIT', 221)
    return said
  }
  await client.command('DATA', 354)
  await client.send(`${contentOf(what, to)}.\r\n`)
  return await client.expect()
}

function contentOf(what: Exclude<SentBack, 'callback'>, to: string): string {
  const lines =
    typeof what === 'object'
      ? ['Subject: Re: plain mail', '', what.reply]
      : what === 'vacation'
        ? ['Subject: away', 'Auto-Submitted: auto-replied', '', 'I am away.']
        : report(what)
  return [`To: <${to}>`, ...lines, ''].join('\r\n')
}

function report(action: 'failed' | 'delayed'): readonly string[] {
  return [
    'From: Mail Delivery System <MAILER-DAEMON@mail.inst.example>',
    'Subject: Delivery Status Notification',
    'Content-Type: multipart/report; report-type=delivery-status; boundary=b',
    '',
    '--b',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mail.inst.example',
    '',
    'Final-Recipient: rfc822; private.person@elsewhere.example',
    `Action: ${action}`,
    `Status: ${action === 'failed' ? '5.1.1' : '4.4.1'}`,
    'Diagnostic-Code: smtp; 550 5.1.1 <private.person@elsewhere.example>: no such user',
    '',
    '--b--',
  ]
}
