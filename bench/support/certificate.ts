// A certificate for STARTTLS that mail servers can read which have changed their user.

import { chmodSync, copyFileSync } from 'node:fs'
import path from 'node:path'
import { makeFolder, removeFolder } from '../../test/interop/support/daemon.ts'
import { createAuthority } from '../../test/support/certificates.ts'

export interface BenchCertificate extends Disposable {
  readonly certificatePath: string
  readonly keyPath: string
}

/** In a folder that goes with it. The key is readable for everybody: it protects nothing. */
export async function makeCertificate(): Promise<BenchCertificate> {
  await using authority = await createAuthority()
  const leaf = await authority.issue({ names: ['mx.inst.example'] })
  const folder = makeFolder('bench-certificate')
  const [certificatePath, keyPath] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')]
  copyFileSync(leaf.certificatePath, certificatePath)
  copyFileSync(leaf.keyPath, keyPath)
  chmodSync(certificatePath, 0o644)
  chmodSync(keyPath, 0o644)
  return { certificatePath, keyPath, [Symbol.dispose]: () => removeFolder(folder) }
}
