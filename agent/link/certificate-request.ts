export interface CertificateRequest {
  /** PKCS#8 in PEM. */
  readonly key: string
  /** PKCS#10 in DER. */
  readonly csr: Uint8Array
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** A fresh key and the request to certify it. The X.509 library is loaded here only: twice a day is rare enough. */
export async function createCertificateRequest(): Promise<CertificateRequest> {
  await import('reflect-metadata')
  const { Pkcs10CertificateRequestGenerator } = await import('@peculiar/x509')
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: 'CN=fairway-agent',
    keys,
    signingAlgorithm: algorithm,
  })
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  const body = pkcs8.match(/.{1,64}/g)!.join('\n')
  return {
    key: `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`,
    csr: new Uint8Array(request.rawData),
  }
}
