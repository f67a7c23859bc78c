import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  sign,
} from 'node:crypto'
import { sql } from 'kysely'
import type { AppContext } from '../context.ts'
import { audit } from '../db/audit.ts'
import type { Operation, Tx } from '../db/tenancy.ts'

/** What an organization signs: statements about runs with ECDSA P-256, checkpoints of its audit tree with Ed25519. */
export type KeyPurpose = 'statements' | 'checkpoints'

/** A key that others verify with, and the time it was the current one. */
export interface PublicKey {
  readonly id: string
  readonly purpose: KeyPurpose
  readonly algorithm: 'ecdsa-p256' | 'ed25519'
  /** PEM, SubjectPublicKeyInfo. */
  readonly pem: string
  readonly key: KeyObject
  readonly validFrom: Date
  /** When another took over; undefined: it is the current one. */
  readonly validUntil?: Date
}

export interface SigningKey extends PublicKey {
  readonly privateKey: KeyObject
  /** ECDSA over SHA-256 in DER, or Ed25519's 64 bytes. */
  sign(bytes: Uint8Array): Buffer
}

type Sealer = AppContext['sealer']

const algorithms = { statements: 'ecdsa-p256', checkpoints: 'ed25519' } as const

const columns = [
  'id',
  'purpose',
  'algorithm',
  'public_key',
  'private_sealed',
  'valid_from',
  'valid_until',
] as const

/**
 * The key in use for that purpose, made where there is none yet. Making one takes a transaction of the server's own
 * (`operation`). Of two that make the first one at a time both get the same.
 */
export async function currentKey(
  tx: Tx,
  op: Operation,
  sealer: Sealer,
  purpose: KeyPurpose,
): Promise<SigningKey> {
  const known = await findCurrent(tx, purpose)
  if (known) return openKey(known, sealer)
  await makeKey(tx, op, sealer, purpose)
  return openKey((await findCurrent(tx, purpose))!, sealer)
}

/** The key that was current before the present one, if there was one. */
export async function formerKey(
  tx: Tx,
  sealer: Sealer,
  purpose: KeyPurpose,
): Promise<SigningKey | undefined> {
  const row = await tx
    .selectFrom('signing_keys')
    .select(columns)
    .where('purpose', '=', purpose)
    .where('valid_until', 'is not', null)
    .orderBy('valid_until', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row && openKey(row, sealer)
}

/** Every key the organization has or had, the oldest first: what was signed in a key's time is verified with it. */
export async function listKeys(tx: Tx): Promise<PublicKey[]> {
  const rows = await tx
    .selectFrom('signing_keys')
    .select(['id', 'purpose', 'algorithm', 'public_key', 'valid_from', 'valid_until'])
    .orderBy('valid_from')
    .orderBy('purpose')
    .execute()
  return rows.map(publicKeyOf)
}

/**
 * Ends the current key's time and begins another's. Former keys stay: what they signed is still theirs. Takes the
 * permission `evidence.rotate-keys`, which the caller has checked.
 */
export async function rotateKeys(
  tx: Tx,
  op: Operation,
  sealer: Sealer,
  purpose: KeyPurpose,
): Promise<PublicKey> {
  const ended = await tx
    .updateTable('signing_keys')
    .set({ valid_until: sql<Date>`now()` })
    .where('purpose', '=', purpose)
    .where('valid_until', 'is', null)
    .returning('id')
    .executeTakeFirst()
  await makeKey(tx, op, sealer, purpose)
  const current = publicKeyOf((await findCurrent(tx, purpose))!)
  await audit(
    tx,
    op,
    'signing-key.rotate',
    { kind: 'signing-key', id: current.id },
    {
      purpose,
      publicKey: current.pem,
      ...(ended && { replaces: ended.id }),
    },
  )
  return current
}

interface KeyRow {
  readonly id: string
  readonly purpose: KeyPurpose
  readonly algorithm: PublicKey['algorithm']
  readonly public_key: string
  readonly valid_from: Date
  readonly valid_until: Date | null
}

const findCurrent = (tx: Tx, purpose: KeyPurpose) =>
  tx
    .selectFrom('signing_keys')
    .select(columns)
    .where('purpose', '=', purpose)
    .where('valid_until', 'is', null)
    .executeTakeFirst()

async function makeKey(tx: Tx, op: Operation, sealer: Sealer, purpose: KeyPurpose): Promise<void> {
  const pair =
    algorithms[purpose] === 'ed25519'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const id = randomUUID()
  await tx
    .insertInto('signing_keys')
    .values({
      id,
      organization_id: op.organizationId,
      purpose,
      algorithm: algorithms[purpose],
      public_key: pair.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      private_sealed: sealer.seal(
        pair.privateKey.export({ type: 'pkcs8', format: 'der' }),
        signingKeyLabel(id),
      ),
    })
    // Another transaction made one meanwhile: that one it is.
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** Under which a private key is sealed. */
export const signingKeyLabel = (id: string): string => `signing-key:${id}`

const publicKeyOf = (row: KeyRow): PublicKey => ({
  id: row.id,
  purpose: row.purpose,
  algorithm: row.algorithm,
  pem: row.public_key,
  key: createPublicKey(row.public_key),
  validFrom: row.valid_from,
  validUntil: row.valid_until ?? undefined,
})

function openKey(row: KeyRow & { readonly private_sealed: Buffer }, sealer: Sealer): SigningKey {
  const privateKey = createPrivateKey({
    key: sealer.open(row.private_sealed, signingKeyLabel(row.id)),
    format: 'der',
    type: 'pkcs8',
  })
  const digest = row.algorithm === 'ed25519' ? null : 'sha256'
  return { ...publicKeyOf(row), privateKey, sign: (bytes) => sign(digest, bytes, privateKey) }
}
