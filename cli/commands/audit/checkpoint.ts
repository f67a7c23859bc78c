import { writeFile } from 'node:fs/promises'
import { AuditService } from '../../../proto/gen/fairway/v1/audit_pb.js'
import { CliError } from '../../errors.ts'
import { exitCodes } from '../../exit-codes.ts'
import { type CheckpointJson, checkpointJson } from '../../json/audit.ts'
import type { Session } from '../../session.ts'
import { verb } from '../../verb.ts'
import { witnessTable } from '../../witness-table.ts'

export const command = verb<{ output?: string }>({
  usage: 'checkpoint',
  summary: 'Sign a checkpoint over every event so far, and show who keeps the latest ones',
  details:
    'Keep the note, out of reach of whoever runs the server: an export that does not contain it was rewritten ' +
    '(`fairway audit verify audit.jsonl --checkpoint note`). Exits 1 when a witness refused the latest checkpoint.',
  examples: [
    ['fairway audit checkpoint', 'the signed note, its key, and its witnesses'],
    ['fairway audit checkpoint -o 2026-11.note', 'the note into a file as well'],
  ],
  configure: (command) => command.option('-o, --output <file>', 'write the note to a file'),
  async run(session, _, { output }) {
    const client = await session.client(AuditService)
    const made = checkpointJson(await client.createCheckpoint({}, { signal: session.signal }))
    if (output !== undefined) {
      await writeFile(output, made.note).catch((error: Error) => {
        throw new CliError(exitCodes.failure, `The note cannot be written: ${error.message}`, {
          cause: error,
        })
      })
    }
    if (session.out.json) session.out.printJson(made)
    else show(session, made)
    return made.witnesses.some(({ refusal }) => refusal) ? exitCodes.failure : undefined
  },
})

function show({ out }: Session, made: CheckpointJson): void {
  out.verbatim(made.note)
  out.fields([
    ['Events', String(made.size)],
    ['Root', made.root],
    ['Key', made.verifierKey],
  ])
  out.line()
  for (const line of witnessTable(out, made.witnesses)) out.line(line)
}
