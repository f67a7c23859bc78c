import { createHash, type KeyObject } from 'node:crypto'
import { bundleToJSON } from '@sigstore/bundle'
import { DSSEBundleBuilder } from '@sigstore/sign'
import type { SigningKey } from '../keys.ts'
import { type Claim, statementBytes } from './statement.ts'

const payloadType = 'application/vnd.in-toto+json'

/** SHA-256 (hex) of the public key in DER: how people compare keys. */
export const fingerprintOf = (publicKey: KeyObject): string =>
  createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')

/**
 * The claim as an in-toto statement in DSSE: a sigstore bundle (v0.3, one line of JSON). The envelope's `keyid` stays
 * empty, or cosign passes over the signature; which key it was says the hint beside it, by its fingerprint.
 */
export async function signClaim(claim: Claim, key: SigningKey): Promise<Buffer> {
  const signer = {
    sign: async (data: Buffer) => ({
      signature: key.sign(data),
      key: { $case: 'publicKey' as const, publicKey: '', hint: '' },
    }),
  }
  const bundle = await new DSSEBundleBuilder({ signer, witnesses: [] }).create({
    data: statementBytes(claim),
    type: payloadType,
  })
  if (bundle.verificationMaterial.content.$case !== 'publicKey') throw new Error('A bundle without a key')
  bundle.verificationMaterial.content.publicKey.hint = fingerprintOf(key.key)
  return Buffer.from(`${JSON.stringify(bundleToJSON(bundle))}\n`)
}
