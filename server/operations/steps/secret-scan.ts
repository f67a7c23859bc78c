import { acceptedGrave, blockedBy, describeFinding } from '../../../lib/repository/secret-scan/findings.ts'
import type { ResolveOutput, SecretFinding } from '../../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { policyInForce } from '../../governance/policy/in-force.ts'
import type { Engine } from '../../runs/replay.ts'
import { TaskFailed } from '../../runs/types.ts'

/**
 * Where the scan of what was pushed begins: the commit of the branch's last build that passed resolve, so that what a
 * red one was stopped for is looked at until it is out of the history. Empty: there is none.
 */
export async function lastScannedCommit({ state: { tx, run } }: Engine): Promise<string> {
  if (!run.branch_id) return ''
  const last = await tx
    .selectFrom('runs')
    .innerJoin('steps', 'steps.run_id', 'runs.id')
    .select('runs.commit')
    .where('runs.branch_id', '=', run.branch_id)
    .where('runs.kind', '=', 'build')
    .where('runs.id', '<>', run.id)
    .where('steps.name', '=', 'resolve')
    .where('steps.status', '=', 'succeeded')
    .orderBy('runs.number', 'desc')
    .limit(1)
    .executeTakeFirst()
  return last?.commit ?? ''
}

/**
 * Notes the secrets that the agent found, warns of those that the policy lets pass, and throws TaskFailed
 * `secrets-found` for the others. What fairway.yaml says is no secret is noted as well, and warned of where the policy
 * would have stopped it: whoever may push can write that. What builds nothing is only warned.
 */
export async function judgeSecrets(
  engine: Engine,
  { findings, acceptedFindings: accepted }: Pick<ResolveOutput, 'findings' | 'acceptedFindings'>,
  { builds }: { readonly builds: boolean },
): Promise<void> {
  if (findings.length + accepted.length === 0) return
  const { tx, project } = engine.state
  const recorded = accepted.map((finding) => ({ ...recordOf(finding), accepted: true as const }))
  await engine.note({ secretFindings: [...findings.map(recordOf), ...recorded] })
  const { blocked, grave } = await engine.effect('secret-judgement', async () => {
    if (!builds) return { blocked: '', grave: 0 }
    const { document } = await policyInForce(tx, project.id)
    return {
      blocked: blockedBy(document, findings) ?? '',
      grave: acceptedGrave(document, accepted).length,
    }
  })
  if (blocked) throw new TaskFailed('secrets-found', blocked)
  if (findings.length > 0) await engine.warn(`The repository holds ${counted(findings)}`)
  if (grave > 0) {
    await engine.warn(
      `secret_scan.accept of fairway.yaml lets pass what the policy stops: ${counted(accepted)}`,
    )
  }
}

const counted = (findings: readonly SecretFinding[]): string =>
  `${findings.length === 1 ? 'a secret' : `${findings.length} secrets`}: ` +
  `${findings.slice(0, 5).map(describeFinding).join('; ')}${findings.length > 5 ? '; …' : ''}`

const recordOf = ({ file, line, rule, severity, commit, fingerprint, note }: SecretFinding) => ({
  file,
  line,
  rule,
  severity,
  commit,
  ...(fingerprint && { fingerprint }),
  ...(note && { note }),
})
