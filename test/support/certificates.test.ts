import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { createAuthority, isOpensslAvailable } from './certificates.ts'

const skip = (await isOpensslAvailable()) ? false : 'the openssl command (3.0 or later) is missing'

test('a leaf is signed by its CA and carries its names', { skip }, async () => {
  let path: string
  {
    await using authority = await createAuthority()
    const files = await authority.issue({
      names: ['mail.inst.example', '*.other.example'],
      addresses: ['127.0.0.1'],
    })
    path = files.keyPath
    const ca = new X509Certificate(authority.ca.certificate)
    const leaf = new X509Certificate(files.certificate)
    assert.ok(existsSync(path))
    assert.ok(ca.ca)
    assert.ok(!leaf.ca)
    assert.ok(leaf.verify(ca.publicKey))
    assert.ok(leaf.checkHost('mail.inst.example') !== undefined)
    assert.ok(leaf.checkHost('x.other.example') !== undefined)
    assert.ok(leaf.checkHost('inst.example') === undefined)
    assert.ok(leaf.checkIP('127.0.0.1') !== undefined)
    assert.equal(leaf.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1')
  }
  assert.equal(existsSync(path), false)
})
