import type { FileHandle } from 'node:fs/promises'
import type { Client } from '@connectrpc/connect'
import type { AuditService } from '../proto/gen/fairway/v1/audit_pb.js'

/** Streams the whole audit log into an open file; gives how many bytes it was. */
export async function exportTo(
  client: Client<typeof AuditService>,
  file: FileHandle,
  signal: AbortSignal,
): Promise<number> {
  let bytes = 0
  for await (const { chunk } of client.exportAudit({}, { signal })) {
    await file.writeFile(chunk)
    bytes += chunk.length
  }
  await file.sync()
  return bytes
}
