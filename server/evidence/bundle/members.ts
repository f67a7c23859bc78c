import { readFile } from 'node:fs/promises'
import type { BlobStore } from '../../blobs/store.ts'
import type { PublicKey } from '../keys.ts'
import type { RunManifest } from '../record/run-manifest.ts'
import { manifestName } from '../statements/statement.ts'
import { auditMembers, type ProvenEvents } from './audit-members.ts'
import { completenessOf } from './completeness.ts'
import { keyMembers } from './key-members.ts'
import { logFiles, logMember } from './log-members.ts'
import { jsonMember, type Member, ordinal, safeName, textMember } from './member.ts'
import { type SignedStatement, statementMembers } from './statement-members.ts'

/** Everything that a bundle is made of. */
export interface BundleParts {
  /** The run's manifest as it was stored. */
  readonly manifest: Buffer
  readonly statements: readonly SignedStatement[]
  readonly audit: ProvenEvents
  readonly keys: readonly PublicKey[]
}

/** All members but MANIFEST and its signature. */
export function membersOf(blobs: BlobStore, { manifest, statements, audit, keys }: BundleParts): Member[] {
  const run = JSON.parse(manifest.toString('utf8')) as RunManifest
  const logs = logFiles(run)
  const names = statements.map(({ name }) => name).sort()
  return [
    jsonMember('COMPLETENESS.json', completenessOf(run, names, logs, audit)),
    ownFile('VERIFY.md'),
    ownFile('verify.sh'),
    { path: manifestName, read: async () => manifest },
    ...statements.flatMap(statementMembers),
    ...run.approvals.map(({ id, subject }) => textMember(`approvals/${id}.subject.json`, subject)),
    ...run.artifacts.map(({ name, sha256 }, index) => ({
      path: `artifacts/${ordinal(index)}-${safeName(name)}`,
      read: () => blobs.get(sha256),
    })),
    ...logs.map((file) => logMember(blobs, file)),
    ...auditMembers(audit),
    ...keyMembers(keys),
  ]
}

const ownFile = (path: string): Member => ({
  path,
  read: () => readFile(new URL(path, import.meta.url)),
})
