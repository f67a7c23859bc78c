import { type AuditEvent, AuditService } from '../../../proto/gen/fairway/v1/audit_pb.js'
import { CliError, usageError } from '../../errors.ts'
import { exitCodes } from '../../exit-codes.ts'
import { auditEventJson } from '../../json/audit.ts'
import { verb } from '../../verb.ts'
import { hashLeaf, rootFromProof } from '../../verify/merkle.ts'

export const command = verb({
  usage: 'show <index>',
  summary: 'Show an event, and check that it is in the signed tree',
  details:
    'The proof is checked here, from the event’s own bytes up to the root of a signed checkpoint. ' +
    'Whether that checkpoint is the one that others were shown: `fairway audit verify --checkpoint`.',
  examples: [['fairway audit show 1234', 'the event with that index, all of it']],
  async run(session, [text = '']) {
    if (!/^\d{1,15}$/.test(text))
      throw usageError(`An event is named by its index, a number; ${text} is none.`)
    const index = Number(text)
    const client = await session.client(AuditService)
    const answer = await client.getAuditEvent({ index: BigInt(index) }, { signal: session.signal })
    const { event, checkpoint, inclusionProof } = answer
    if (!event) return undefined
    const { size, root } = requireIncluded(event, index, checkpoint, inclusionProof)
    const { out } = session
    const json = auditEventJson(event)
    if (out.json) {
      out.printJson({ ...json, checkpoint, inclusionProof })
      return undefined
    }
    out.fields([
      ['Event', text],
      ['At', json.at],
      ['Actor', json.actor],
      ['Action', json.action],
      ['Subject', `${json.subject.kind} ${json.subject.id}`],
      ['Request', json.requestId],
      ['Leaf', json.leafHash],
      ['Proof', `${out.paint('green', 'in the tree')} of ${size} events with the root ${root}`],
    ])
    out.verbatim(JSON.stringify(json.details, null, 2))
    return undefined
  },
})

/** Throws unless what is shown is what the leaf holds, and the leaf is in the checkpoint's tree. */
function requireIncluded(
  event: AuditEvent,
  index: number,
  checkpoint: string,
  inclusionProof: readonly string[],
): { size: number; root: string } {
  const [, size = '', root64 = ''] = checkpoint.split('\n')
  const root = Buffer.from(root64, 'base64')
  const leaf = hashLeaf(event.leaf)
  const proof = inclusionProof.map((hash) => Buffer.from(hash, 'hex'))
  const reached = rootFromProof(leaf, index, Number(size), proof)
  if (!reached?.equals(root)) {
    throw new CliError(
      exitCodes.failure,
      `Event ${index} is not in the tree of the checkpoint over ${size} events: it was changed after it was placed. ` +
        'Find out what else was: `fairway audit export -o audit.jsonl`, then `fairway audit verify audit.jsonl`.',
    )
  }
  const held = JSON.parse(event.leaf) as Record<string, unknown>
  const told = auditEventJson(event)
  const same =
    held.actor === told.actor &&
    held.action === told.action &&
    JSON.stringify(held.subject) === JSON.stringify({ id: told.subject.id, kind: told.subject.kind }) &&
    held.at === told.at &&
    isSame(held.details, told.details)
  if (!same)
    throw new CliError(exitCodes.failure, `The server shows event ${index} other than it was signed.`)
  return { size: Number(size), root: root.toString('hex') }
}

const isSame = (one: unknown, other: unknown): boolean =>
  JSON.stringify(sorted(one)) === JSON.stringify(sorted(other))

const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : value !== null && typeof value === 'object'
      ? Object.entries(value)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, inner]) => [name, sorted(inner)])
      : value
