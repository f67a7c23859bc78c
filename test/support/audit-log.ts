import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type OwnCheckpoint, type Verdict, verifyAuditLog } from '../../cli/verify/audit-log.ts'
import { audit } from '../../server/db/audit.ts'
import { operation, withTenant } from '../../server/db/tenancy.ts'
import { makeCheckpoint, type StoredCheckpoint } from '../../server/evidence/audit/checkpoints.ts'
import { publishCheckpoint } from '../../server/evidence/audit/publish.ts'
import type { Caller } from '../../server/governance/authorize.ts'
import { exportAudit } from '../../server/services/audit/export.ts'
import { createOrganization, type TestDatabase } from './postgres.ts'

/** An organization with an audit log of its own. */
export interface TestLog {
  readonly organizationId: string
  /** Events, and a checkpoint over them in blob storage. */
  grow(count: number): Promise<StoredCheckpoint>
  export(): Promise<Buffer>
  /** Of an export made now, by the command line's verifier. */
  verify(own?: readonly OwnCheckpoint[]): Promise<Verdict>
}

let logs = 0

export async function arrangeLog(database: TestDatabase): Promise<TestLog> {
  const { context } = database
  const organizationId = await createOrganization(database, `log-${++logs}`)
  const op = operation(organizationId, 'test')
  const caller: Caller = {
    ...op,
    access: { role: 'auditor', projects: 'all', projectRoles: new Map(), scopes: [] },
  }
  let written = 0
  const log: TestLog = {
    organizationId,
    async grow(count) {
      await withTenant(context.db, op, async (tx) => {
        for (let n = 0; n < count; n++) {
          const details = {
            note: `number ${++written} “§”`,
            nested: { list: [written, null, true], ratio: written / 7 },
          }
          await audit(tx, op, 'test.note', { kind: 'test', id: `${written}` }, details)
        }
      })
      const made = await makeCheckpoint(context, organizationId)
      await publishCheckpoint(context, organizationId)
      return made!
    },
    async export() {
      const chunks: Buffer[] = []
      for await (const chunk of exportAudit(context, caller, new AbortController().signal)) chunks.push(chunk)
      return Buffer.concat(chunks)
    },
    verify: async (own) => verifyBytes(await log.export(), own),
  }
  return log
}

/** What `fairway audit verify` finds in a file of these bytes. */
export async function verifyBytes(
  bytes: Uint8Array | string,
  own: readonly OwnCheckpoint[] = [],
): Promise<Verdict> {
  const directory = await mkdtemp(join(tmpdir(), 'fairway-audit-'))
  try {
    const path = join(directory, 'audit.jsonl')
    await writeFile(path, bytes)
    return await verifyAuditLog(path, { own })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
