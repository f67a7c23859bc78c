import { open, rename, rm } from 'node:fs/promises'
import { formatBytes } from '../../../lib/words/bytes.ts'
import { AuditService } from '../../../proto/gen/fairway/v1/audit_pb.js'
import { exportTo } from '../../audit-export.ts'
import { CliError } from '../../errors.ts'
import { exitCodes } from '../../exit-codes.ts'
import { verb } from '../../verb.ts'

export const command = verb<{ output: string }>({
  usage: 'export',
  summary: 'Export the whole log with all that proves it, for `fairway audit verify`',
  details: 'JSON lines: events in order, signed checkpoints, what blob storage kept of them, public keys.',
  examples: [['fairway audit export -o audit.jsonl', 'then, anywhere: fairway audit verify audit.jsonl']],
  configure: (command) => command.requiredOption('-o, --output <file>', 'the file to write'),
  async run(session, _, { output }) {
    const aside = `${output}.part`
    const client = await session.client(AuditService)
    const file = await open(aside, 'w', 0o600).catch((error: Error) => {
      throw new CliError(exitCodes.failure, `The export cannot be written: ${error.message}`, {
        cause: error,
      })
    })
    let bytes = 0
    try {
      bytes = await exportTo(client, file, session.signal)
    } catch (error) {
      await rm(aside, { force: true })
      throw error
    } finally {
      await file.close()
    }
    await rename(aside, output)
    if (session.out.json) session.out.printJson({ file: output, sizeBytes: bytes })
    else
      session.out.note(`${formatBytes(bytes)} written to ${output}. Check it: fairway audit verify ${output}`)
    return undefined
  },
})
