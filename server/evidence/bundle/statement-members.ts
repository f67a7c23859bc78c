import { type Member, textMember } from './member.ts'

export interface SignedStatement {
  /** `run`, `deploy`, … */
  readonly name: string
  /** The sigstore bundle as it was signed. */
  readonly bundle: Buffer
}

/** Each statement as a sigstore bundle, and bare beside it: the payload and the signature, as openssl takes them. */
export function statementMembers({ name, bundle }: SignedStatement): Member[] {
  const { dsseEnvelope } = JSON.parse(bundle.toString('utf8')) as {
    dsseEnvelope: { payload: string; signatures: [{ sig: string }] }
  }
  const path = `statements/${name}`
  return [
    { path: `${path}.sigstore.json`, read: async () => bundle },
    textMember(`${path}.json`, Buffer.from(dsseEnvelope.payload, 'base64').toString('utf8')),
    { path: `${path}.sig`, read: async () => Buffer.from(dsseEnvelope.signatures[0].sig, 'base64') },
  ]
}
