import 'reflect-metadata'
import { createHash } from 'node:crypto'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  type PublicKey,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'
import { invalid } from '../errors.ts'

export type Key = Parameters<typeof crypto.subtle.exportKey>[1]
export interface KeyPair {
  readonly privateKey: Key
  readonly publicKey: Key
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const day = 24 * 3_600_000
/** Certificates begin earlier than now by this: hosts' clocks differ. */
const skewMs = 5 * 60_000
const authorityDays = 3_650
export const serverCertificateDays = 90
export const authorizerCertificateDays = 90
export const clientCertificateHours = 24

export const createKeyPair = (): Promise<KeyPair> =>
  crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as Promise<KeyPair>

export async function exportPrivateKey(key: Key): Promise<Buffer> {
  return Buffer.from(await crypto.subtle.exportKey('pkcs8', key))
}

export function importPrivateKey(pkcs8: Uint8Array<ArrayBuffer>): Promise<Key> {
  return crypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign'])
}

export const pemOfPrivateKey = (pkcs8: Buffer) =>
  `-----BEGIN PRIVATE KEY-----\n${pkcs8
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n')}\n-----END PRIVATE KEY-----\n`

export const fingerprintOf = (certificate: X509Certificate) =>
  createHash('sha256').update(Buffer.from(certificate.rawData)).digest('hex')

/** A root that may sign end entities only. */
export async function createAuthorityCertificate(keys: KeyPair): Promise<X509Certificate> {
  return await X509CertificateGenerator.createSelfSigned({
    name: 'CN=Fairway fleet authority',
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - skewMs),
    notAfter: new Date(Date.now() + authorityDays * day),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
}

export interface Issuer {
  readonly certificate: X509Certificate
  readonly key: Key
}

/**
 * The purpose of the authorizer's certificate, ours alone (a UUID as an OID, X.667): TLS takes it for neither a client nor
 * a server, and agents take neither of those for the authorizer. agent/authorization/authorizer-chain.ts has it as well.
 */
export const authorizerUsage = '2.25.318230628882957795117745917174132128309'

const purposes = {
  client: ExtendedKeyUsage.clientAuth,
  server: ExtendedKeyUsage.serverAuth,
  authorizer: authorizerUsage,
}

export interface EndEntity {
  readonly commonName: string
  readonly publicKey: PublicKey | Key
  readonly serialNumber: string
  readonly usage: keyof typeof purposes
  readonly names: { type: 'dns' | 'ip' | 'url'; value: string }[]
  readonly lifeMs: number
}

export async function issueCertificate(issuer: Issuer, entity: EndEntity): Promise<X509Certificate> {
  return await X509CertificateGenerator.create({
    serialNumber: entity.serialNumber,
    subject: `CN=${entity.commonName}`,
    issuer: issuer.certificate.subject,
    publicKey: entity.publicKey,
    signingKey: issuer.key,
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - skewMs),
    notAfter: new Date(Date.now() + entity.lifeMs),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([purposes[entity.usage]]),
      new SubjectAlternativeNameExtension(entity.names),
      await AuthorityKeyIdentifierExtension.create(issuer.certificate),
    ],
  })
}

/** The key that a request wants certified, once the request proves that its sender holds it. */
export async function requireRequestedKey(csr: Uint8Array): Promise<PublicKey> {
  let request: Pkcs10CertificateRequest
  try {
    request = new Pkcs10CertificateRequest(new Uint8Array(csr))
    if (await request.verify()) {
      const { algorithm: kind } = request.publicKey
      if (kind.name === 'ECDSA') return request.publicKey
    }
  } catch (error) {
    throw invalid('csr', `The certificate request cannot be read: ${String(error)}`)
  }
  throw invalid('csr', 'The certificate request is not signed by its own ECDSA key')
}

export { X509Certificate }
