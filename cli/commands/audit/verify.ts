import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { AuditService } from '../../../proto/gen/fairway/v1/audit_pb.js'
import { exportTo } from '../../audit-export.ts'
import { CliError, usageError } from '../../errors.ts'
import { type ExitCode, exitCodes } from '../../exit-codes.ts'
import { checkpointJson } from '../../json/audit.ts'
import { repeated } from '../../repeated-option.ts'
import type { Session } from '../../session.ts'
import { verb } from '../../verb.ts'
import { type OwnCheckpoint, type Verdict, verifyAuditLog } from '../../verify/audit-log.ts'
import { witnessTable } from '../../witness-table.ts'

interface Options {
  readonly online?: boolean
  readonly checkpoint?: readonly string[]
  readonly key?: readonly string[]
}

export const command = verb<Options>({
  usage: 'verify [file]',
  summary:
    'Check an export of the audit log, without any server; names the first event that is not as it was',
  details:
    'Exits 0 only when every event is as it was signed, 1 when one is not. What the file says of itself convinces ' +
    'as far as its keys are the organization’s: compare the key that is printed, or give it with --key; a ' +
    'checkpoint of your own, or one that a host keeps (`fairway-agent checkpoint`), goes with --checkpoint.',
  examples: [
    ['fairway audit verify audit.jsonl', 'the export of `fairway audit export`'],
    [
      'fairway audit verify audit.jsonl --checkpoint 2026-11.note',
      'and that it still holds what was kept then',
    ],
    ['fairway audit verify --online', 'the log as it is on the server now, and what its witnesses say'],
  ],
  configure: (command) =>
    command
      .option('--online', 'export now, and verify that; also shows the witnesses')
      .option(
        '--checkpoint <note-file>',
        'a signed checkpoint that was kept elsewhere; as often as needed',
        repeated,
      )
      .option(
        '--key <verifier-key>',
        'trust this key (name+hash+base64), not those of the file; likewise',
        repeated,
      ),
  async run(session, [file], options) {
    if ((file === undefined) !== (options.online === true)) {
      throw usageError('Name the file of `fairway audit export`, or give --online; one of the two.')
    }
    const own = await Promise.all((options.checkpoint ?? []).map(readNote))
    const given = { own, pinned: options.key ?? [] }
    if (file !== undefined) return show(session, await verifyFile(file, given), given)
    const directory = await mkdtemp(join(tmpdir(), 'fairway-audit-'))
    try {
      const path = join(directory, 'audit.jsonl')
      await download(session, path)
      const code = show(session, await verifyFile(path, given), given)
      return (await showWitnesses(session)) ?? code
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  },
})

async function readNote(path: string): Promise<OwnCheckpoint> {
  return { name: basename(path), note: await readFile(path, 'utf8').catch(unreadable(path)) }
}

const verifyFile = (path: string, given: Parameters<typeof verifyAuditLog>[1]): Promise<Verdict> =>
  verifyAuditLog(path, given).catch(unreadable(path))

const unreadable = (path: string) => (error: NodeJS.ErrnoException) => {
  if (!error.syscall) throw error
  throw new CliError(exitCodes.usage, `${path} cannot be read: ${error.message}`, { cause: error })
}

async function download(session: Session, path: string): Promise<void> {
  const client = await session.client(AuditService)
  const file = await open(path, 'wx', 0o600)
  try {
    await exportTo(client, file, session.signal)
  } finally {
    await file.close()
  }
}

function show(
  { out }: Session,
  verdict: Verdict,
  given: { own: readonly OwnCheckpoint[]; pinned: readonly string[] },
): ExitCode | undefined {
  const { faults, size, organization, root, signers, checkpoints, keptLeaves } = verdict
  const [first, ...others] = faults
  if (out.json) out.printJson({ ...verdict, valid: !first, firstBadIndex: first?.index ?? null })
  else if (first) {
    const where = first.index === undefined ? 'The file' : `First bad index: ${first.index}`
    out.line(`${out.paint('red', where)} (${first.kind}): ${first.message}`)
    for (const { message } of others.slice(0, 20)) out.line(`  also: ${message}`)
    if (others.length > 20) out.line(`  and ${others.length - 20} more`)
  } else {
    out.line(
      `${out.paint('green', 'Verified')}: all ${size} events of ${organization} are as they were signed`,
    )
    out.fields([
      ['Root', root],
      ['Checkpoints', `${checkpoints} checked; blob storage kept the hashes of ${keptLeaves} events`],
      ...signers.map((signer) => ['Signed with', signer] as const),
    ])
    if (given.own.length === 0 && given.pinned.length === 0) {
      out.note('That key is the one that the file names: compare it with what you know, or give --key.')
    }
  }
  return first ? exitCodes.failure : undefined
}

async function showWitnesses(session: Session): Promise<ExitCode | undefined> {
  const client = await session.client(AuditService)
  const { witnesses } = checkpointJson(await client.createCheckpoint({}, { signal: session.signal }))
  if (!session.out.json) for (const line of witnessTable(session.out, witnesses)) session.out.line(line)
  return witnesses.some(({ refusal }) => refusal) ? exitCodes.failure : undefined
}
