import { bundleFromJSON } from '@sigstore/bundle'
import { toSignedEntity, Verifier } from '@sigstore/verify'
import { BadMember, type Members, requireMember } from './bad-member.ts'
import { parseMember } from './json-member.ts'
import type { BundleKey } from './keys.ts'
import { sha256 } from './manifest.ts'

export interface VerifiedStatement {
  /** `run`, `deploy`, … */
  readonly name: string
  readonly predicateType: string
  readonly subjects: readonly { readonly name: string; readonly sha256: string }[]
  readonly predicate: Readonly<Record<string, unknown>>
  readonly signedBy: BundleKey
}

const payloadType = 'application/vnd.in-toto+json'
const suffix = '.sigstore.json'

/**
 * Every statement of a bundle, verified by the sigstore project's library; and that the bare payload and signature
 * beside it are the same, and that what it is about is what the bundle holds. Throws BadMember.
 */
export function verifyStatements(members: Members, keys: readonly BundleKey[]): VerifiedStatement[] {
  const paths = [...members.keys()].filter((path) => path.startsWith('statements/') && path.endsWith(suffix))
  if (!paths.includes(`statements/run${suffix}`)) throw new BadMember(`statements/run${suffix}`, 'missing')
  // Each member once: statements may name a large one any number of times.
  const hashes = new Map<string, string>()
  const hashOf = (name: string, bytes: Buffer) => {
    const hash = hashes.get(name) ?? sha256(bytes)
    hashes.set(name, hash)
    return hash
  }
  return paths.sort().map((path) => {
    const statement = verifyStatement(members, keys, path)
    requireSubjects(members, path, statement, hashOf)
    return statement
  })
}

function verifyStatement(members: Members, keys: readonly BundleKey[], path: string): VerifiedStatement {
  const used: BundleKey[] = []
  const trust = {
    certificateAuthorities: [],
    timestampAuthorities: [],
    tlogs: [],
    ctlogs: [],
    publicKey(hint: string) {
      const known = keys.find(({ purpose, fingerprint }) => purpose === 'statements' && fingerprint === hint)
      if (!known) throw new BadMember(path, 'signed by a key that is not in the bundle')
      used.push(known)
      return { publicKey: known.key, validFor: () => true }
    },
  }
  const json = parseMember(requireMember(members, path), path)
  const envelope = whole(path, () => {
    const bundle = bundleFromJSON(json)
    new Verifier(trust, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 }).verify(
      toSignedEntity(bundle),
    )
    return bundle.content.$case === 'dsseEnvelope' ? bundle.content.dsseEnvelope : undefined
  })
  const [signature] = envelope?.signatures ?? []
  const [signedBy] = used
  if (envelope?.payloadType !== payloadType || !signature || !signedBy)
    throw new BadMember(path, `not a signed ${payloadType}`)
  const base = path.slice(0, -suffix.length)
  if (!requireMember(members, `${base}.json`).equals(envelope.payload))
    throw new BadMember(`${base}.json`, `not the payload of ${path}`)
  if (!requireMember(members, `${base}.sig`).equals(signature.sig))
    throw new BadMember(`${base}.sig`, `not the signature of ${path}`)
  return {
    name: base.slice('statements/'.length),
    ...whole(path, () => readPayload(envelope.payload, path)),
    signedBy,
  }
}

interface Payload {
  _type?: string
  subject?: { name?: string; digest?: { sha256?: string } }[]
  predicateType?: string
  predicate?: Record<string, unknown>
}

function readPayload(bytes: Buffer, path: string) {
  const { _type, subject = [], predicateType, predicate } = parseMember(bytes, path) as Payload
  if (_type !== 'https://in-toto.io/Statement/v1' || !predicateType || !predicate)
    throw new BadMember(path, 'not an in-toto statement')
  const subjects = subject.map(({ name = '', digest }) => ({ name, sha256: digest?.sha256 ?? '' }))
  if (subjects.length === 0 || subjects.some(({ sha256 }) => !/^[0-9a-f]{64}$/.test(sha256)))
    throw new BadMember(path, 'not about things with a SHA-256')
  return { predicateType, predicate, subjects }
}

/** A subject named like a member is that member; what is named like one of ours has to be here. */
function requireSubjects(
  members: Members,
  path: string,
  { name, subjects }: VerifiedStatement,
  hashOf: (name: string, bytes: Buffer) => string,
): void {
  for (const subject of subjects) {
    const own = members.get(subject.name)
    if (own && hashOf(subject.name, own) !== subject.sha256)
      throw new BadMember(subject.name, `not what ${path} is about`)
    if (!own && /^(run|approvals)\//.test(subject.name))
      throw new BadMember(subject.name, `missing; ${path} is about it`)
  }
  if (name === 'run' && !subjects.some((subject) => subject.name === 'run/manifest.json'))
    throw new BadMember(path, 'not about run/manifest.json')
}

function whole<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof BadMember) throw error
    throw new BadMember(path, `does not verify (${error instanceof Error ? error.message : 'unreadable'})`)
  }
}
