import type { ServiceImpl } from '@connectrpc/connect'
import type { EvidenceService } from '../../proto/gen/fairway/v1/evidence_pb.js'
import type { AppContext } from '../context.ts'
import {
  getEvidence,
  listEvidence,
  listSigningKeys,
  pullEvidence,
  rotateSigningKeys,
} from '../services/builds/evidence.ts'
import { callerOf } from './caller.ts'

const chunkBytes = 256 * 1024

export const evidenceApi = (app: AppContext): ServiceImpl<typeof EvidenceService> => ({
  async listEvidence(request, context) {
    return { evidence: await listEvidence(app, callerOf(context), request) }
  },
  async getEvidence({ run }, context) {
    return { evidence: await getEvidence(app, callerOf(context), run) }
  },
  async *pullEvidence({ run }, context) {
    const { name, sha256, bytes } = await pullEvidence(app, callerOf(context), run)
    yield { name, sha256, sizeBytes: BigInt(bytes.length) }
    for (let at = 0; at < bytes.length; at += chunkBytes) yield { chunk: bytes.subarray(at, at + chunkBytes) }
  },
  async listSigningKeys(_, context) {
    return { keys: await listSigningKeys(app, callerOf(context)) }
  },
  async rotateSigningKeys(_, context) {
    return { keys: await rotateSigningKeys(app, callerOf(context)) }
  },
})
