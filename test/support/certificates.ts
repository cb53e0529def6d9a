// Certificates for tests, made by the openssl command line: a CA and leaves signed by it.

import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { temporaryFolder } from './temporary-folder.ts'

const run = promisify(execFile)

/** PEM texts and the files they are in. */
export interface CertificateFiles {
  readonly certificate: string
  readonly key: string
  readonly certificatePath: string
  readonly keyPath: string
}

export interface TestAuthority extends AsyncDisposable {
  /** Trust this one. */
  readonly ca: CertificateFiles
  /**
   * A leaf signed by the CA. `names` become DNS names and `addresses` IP addresses of its subjectAltName;
   * the first of them is its common name too.
   */
  readonly issue: (subject: CertificateSubject) => Promise<CertificateFiles>
}

export interface CertificateSubject {
  readonly names: readonly string[]
  readonly addresses?: readonly string[]
}

/** False on a machine without the openssl command (3.0 or later): skip the test with that reason. */
export async function isOpensslAvailable(): Promise<boolean> {
  try {
    const { stdout } = await run('openssl', ['version'])
    return Number(/^OpenSSL (\d+)/.exec(stdout)?.[1] ?? 0) >= 3
  } catch {
    return false
  }
}

/** ECDSA P-256, valid for 30 days, in a temporary folder that goes when the authority is disposed of. */
export async function createAuthority(): Promise<TestAuthority> {
  const folder = await temporaryFolder()
  const ca = await create(folder.path, 'ca', '/CN=Pforte Test CA', {
    addext: ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'],
    signer: null,
  })
  let leafCount = 0
  return {
    ca,
    issue: ({ names, addresses = [] }) => {
      leafCount += 1
      const alternatives = [
        ...names.map((name) => `DNS:${name}`),
        ...addresses.map((address) => `IP:${address}`),
      ]
      const commonName = [...names, ...addresses][0] ?? 'nameless'
      return create(folder.path, `leaf-${leafCount}`, `/CN=${commonName}`, {
        addext: [
          `subjectAltName=${alternatives.join(',')}`,
          'basicConstraints=critical,CA:FALSE',
          'extendedKeyUsage=serverAuth,clientAuth',
        ],
        signer: ca,
      })
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  }
}

interface CreateOptions {
  /** Extensions in openssl's notation. */
  readonly addext: readonly string[]
  /** Null: signed by itself. */
  readonly signer: CertificateFiles | null
}

async function create(
  folder: string,
  name: string,
  subject: string,
  { addext, signer }: CreateOptions,
): Promise<CertificateFiles> {
  const certificatePath = join(folder, `${name}.pem`)
  const keyPath = join(folder, `${name}.key`)
  const what = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days 30'
  const signing = signer === null ? [] : ['-CA', signer.certificatePath, '-CAkey', signer.keyPath]
  const files = ['-keyout', keyPath, '-out', certificatePath]
  const extensions = addext.flatMap((extension) => ['-addext', extension])
  await run('openssl', [...what.split(' '), '-subj', subject, ...files, ...signing, ...extensions])
  const [certificate, key] = await Promise.all([
    readFile(certificatePath, 'utf8'),
    readFile(keyPath, 'utf8'),
  ])
  return { certificate, key, certificatePath, keyPath }
}
