import { EvidenceService } from '../../proto/gen/fairway/v1/evidence_pb.js'
import { CliError } from '../errors.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Session } from '../session.ts'
import { sha256 } from './manifest.ts'
import { resolveEvidence } from './ref.ts'

/** The bundle of the run that the words name, whole. */
export async function downloadBundle(
  session: Session,
  words: readonly string[],
): Promise<{ name: string; sha256: string; bytes: Buffer }> {
  const client = await session.client(EvidenceService)
  const run = await resolveEvidence(session, words)
  const chunks: Uint8Array[] = []
  let promised = { name: '', sha256: '' }
  for await (const part of client.pullEvidence({ run }, { signal: session.signal })) {
    if (part.name) promised = { name: part.name, sha256: part.sha256 }
    if (part.chunk.length > 0) chunks.push(part.chunk)
  }
  const bytes = Buffer.concat(chunks)
  if (sha256(bytes) !== promised.sha256)
    throw new CliError(exitCodes.failure, 'The bundle arrived damaged: pull it again.')
  return { ...promised, bytes }
}
