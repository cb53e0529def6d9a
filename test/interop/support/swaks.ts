// swaks: no queue, one session, and a transcript of all that was said.

import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder, removeFolder } from './daemon.ts'
import type { OutgoingMail } from './sender.ts'
import { dotStuff } from './submit.ts'

export interface SwaksResult {
  /** 0 when the mail was accepted, 24 when no recipient was, 26 when the content was not. */
  readonly exitCode: number
  readonly transcript: string
}

/**
 * One session with 127.0.0.1:port. swaks cannot say BODY=8BITMIME: 8-bit content goes undeclared.
 * @param parameters More options of swaks, such as `--pipeline` or `--tls-optional`.
 */
export async function sendWithSwaks(
  prefix: string,
  port: number,
  mail: OutgoingMail,
  parameters: readonly string[] = [],
): Promise<SwaksResult> {
  const folder = makeFolder('swaks')
  try {
    const content = join(folder, 'content')
    // Unasked, swaks takes a lone dot as the last line for the end of data and drops it: it gets the wire
    // form, final dot included, and adds the last CRLF.
    writeFileSync(content, Buffer.concat([dotStuff(mail.message), Buffer.from('.')]))
    return await run([
      `${prefix}/usr/bin/swaks`,
      `--server=127.0.0.1`,
      `--port=${port}`,
      '--helo=client.sender.example',
      `--from=${mail.from}`,
      `--to=${mail.to.join(',')}`,
      '--no-data-fixup',
      `--data=@${content}`,
      '--suppress-data',
      '--timeout=60',
      ...parameters,
    ])
  } finally {
    removeFolder(folder)
  }
}

async function run(parameters: readonly string[]): Promise<SwaksResult> {
  return new Promise((resolve, reject) => {
    const options = { timeout: 120_000, maxBuffer: 16 * 1024 * 1024 }
    const child = execFile('perl', parameters, options, (error, output, errors) => {
      if (child.exitCode === null) reject(error ?? new Error('swaks was ended by a signal'))
      else resolve({ exitCode: child.exitCode, transcript: output + errors })
    })
  })
}
