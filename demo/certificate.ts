// A certificate for STARTTLS, signed by itself, made by the openssl command.

import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface DemoCertificate {
  readonly certificatePath: string
  readonly keyPath: string
  readonly certificate: string
  readonly key: string
}

const timeoutMs = 10_000

/** Null when there is no openssl command that can do it. */
export async function createCertificate(
  folder: string,
  names: readonly [string, ...string[]],
): Promise<DemoCertificate | null> {
  const certificatePath = join(folder, 'certificate.pem')
  const keyPath = join(folder, 'key.pem')
  const what = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days 30'
  const subject = ['-subj', `/CN=${names[0]}`]
  const alternatives = names.map((name) => `DNS:${name}`).join(',')
  const files = ['-keyout', keyPath, '-out', certificatePath]
  try {
    await promisify(execFile)(
      'openssl',
      [...what.split(' '), ...subject, '-addext', `subjectAltName=${alternatives}`, ...files],
      { timeout: timeoutMs },
    )
  } catch {
    return null
  }
  const certificate = await readFile(certificatePath, 'utf8')
  return { certificatePath, keyPath, certificate, key: await readFile(keyPath, 'utf8') }
}
