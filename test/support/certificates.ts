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
  /** An authority below the CA. */
  readonly issueIntermediate: () => Promise<CertificateFiles>
}

export interface CertificateSubject {
  readonly names: readonly string[]
  readonly addresses?: readonly string[]
  /** Names of other kinds, in openssl's notation: `URI:http://x.example`. */
  readonly others?: readonly string[]
  /** Default ec. */
  readonly keyType?: 'ec' | 'rsa'
  /** Instead of the CA. */
  readonly signer?: CertificateFiles
  /** Signed by itself instead of the CA. */
  readonly isSelfSigned?: boolean
  /** Valid no more. Not together with `isSelfSigned`. */
  readonly isExpired?: boolean
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
  const ca = await create(folder.path, 'ca', '/CN=Pforte Test CA', authority(null))
  let leafCount = 0
  return {
    ca,
    issue: (wanted) => {
      const { names, addresses = [], others = [], keyType, isExpired } = wanted
      const { isSelfSigned = false, signer = ca } = wanted
      leafCount += 1
      const alternatives = [
        ...names.map((name) => `DNS:${name}`),
        ...addresses.map((address) => `IP:${address}`),
        ...others,
      ]
      const commonName = [...names, ...addresses][0] ?? 'nameless'
      return create(folder.path, `leaf-${leafCount}`, `/CN=${commonName}`, {
        addext: [
          `subjectAltName=${alternatives.join(',')}`,
          'basicConstraints=critical,CA:FALSE',
          'extendedKeyUsage=serverAuth,clientAuth',
        ],
        signer: isSelfSigned ? null : signer,
        keyType,
        isExpired,
      })
    },
    issueIntermediate: () =>
      create(folder.path, 'intermediate', '/CN=Pforte Test Intermediate', authority(ca)),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  }
}

function authority(signer: CertificateFiles | null): CreateOptions {
  const addext = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign']
  return { addext, signer }
}

interface CreateOptions {
  /** Extensions in openssl's notation. */
  readonly addext: readonly string[]
  /** Null: signed by itself. */
  readonly signer: CertificateFiles | null
  readonly keyType?: 'ec' | 'rsa' | undefined
  readonly isExpired?: boolean | undefined
}

async function create(
  folder: string,
  name: string,
  subject: string,
  { addext, signer, keyType = 'ec', isExpired = false }: CreateOptions,
): Promise<CertificateFiles> {
  const certificatePath = join(folder, `${name}.pem`)
  const keyPath = join(folder, `${name}.key`)
  const keyOptions = keyType === 'ec' ? 'ec -pkeyopt ec_paramgen_curve:P-256' : 'rsa:2048'
  const subjectAndKey = `-newkey ${keyOptions} -nodes -sha256`.split(' ').concat('-subj', subject)
  const signing = signer === null ? [] : ['-CA', signer.certificatePath, '-CAkey', signer.keyPath]
  const extensions = addext.flatMap((extension) => ['-addext', extension])
  const made = [...subjectAndKey, '-keyout', keyPath, '-out', certificatePath, ...extensions]
  if (isExpired) {
    // It ended the day before it began: `openssl req` makes no certificates of the past, but `x509` does.
    await run('openssl', ['req', '-new', ...made])
    const again = ['-in', certificatePath, '-out', certificatePath, '-copy_extensions', 'copy']
    await run('openssl', ['x509', '-req', ...again, ...signing, '-CAcreateserial', '-days', '-1'])
  } else {
    await run('openssl', ['req', '-x509', '-days', '30', ...made, ...signing])
  }
  const [certificate, key] = await Promise.all([
    readFile(certificatePath, 'utf8'),
    readFile(keyPath, 'utf8'),
  ])
  return { certificate, key, certificatePath, keyPath }
}
