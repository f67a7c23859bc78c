import { listSentences } from '../../words/list-short.ts'

/** What an agent says of a secret that it found; never the secret itself. */
export interface FoundSecret {
  readonly file: string
  readonly line: number
  readonly rule: string
  readonly severity: string
  /** Commit that brought it, where that is not the built one. */
  readonly commit: string
  /** What `secret_scan.accept` takes; empty from agents of before. */
  readonly fingerprint?: string
  /** Why it is less grave than its rule says. */
  readonly note?: string
}

/** What of a policy is asked. */
export interface SecretPolicy {
  /** From how grave on, or `never`. */
  readonly secretScan: { readonly block: string }
}

const severities: readonly string[] = ['low', 'medium', 'high', 'critical']
const shown = 5

/** Why the policy does not let a commit with those secrets be built; undefined when it does. */
export function blockedBy(
  { secretScan: { block } }: SecretPolicy,
  findings: readonly FoundSecret[],
): string | undefined {
  if (block === 'never') return undefined
  const grave = findings
    .filter(({ severity }) => rank(severity) >= severities.indexOf(block))
    .sort((a, b) => rank(b.severity) - rank(a.severity))
  if (grave.length === 0) return undefined
  const what = grave.length === 1 ? 'a secret' : `${grave.length} secrets`
  return (
    `what was pushed holds ${what}: ${listSentences(grave, shown, describeFinding)}. ` +
    'Whoever can read the repository has it: make a new one and end the old, then take it out of the history and ' +
    `push with force. What is no secret: ${howToAccept(grave.slice(0, shown))}; how grave it ` +
    'has to be: secretScan.block of the policy'
  )
}

/** The line itself where the agent named the findings. */
function howToAccept(findings: readonly FoundSecret[]): string {
  const fingerprints = findings.flatMap(({ fingerprint }) => (fingerprint ? [fingerprint] : []))
  const ignore = 'leave its path out with secret_scan.ignore in fairway.yaml'
  if (fingerprints.length === 0) return ignore
  return `accept it in fairway.yaml with secret_scan: { accept: [${fingerprints.join(', ')}] }, or ${ignore}`
}

/** Those among accepted findings that the policy would not let pass: people are told of them still. */
export const acceptedGrave = (
  policy: SecretPolicy,
  accepted: readonly FoundSecret[],
): readonly FoundSecret[] => accepted.filter((finding) => blockedBy(policy, [finding]) !== undefined)

/** A severity that this server does not know comes from a newer agent: it counts as the gravest. */
const rank = (severity: string): number => {
  const index = severities.indexOf(severity)
  return index < 0 ? severities.length : index
}

/** `sale/config.py:12 (aws/AWSSecretAccessKey, critical)` */
export function describeFinding({ file, line, rule, severity, commit, note }: FoundSecret): string {
  const since = commit ? `, in commit ${commit.slice(0, 10)}` : ''
  return `${file}:${line} (${rule}, ${severity}${note ? `, ${note}` : ''}${since})`
}

/** What was found, with the exact line that accepts it. */
export function foundLine({ file, line, rule, severity, note, fingerprint }: FoundSecret): string {
  const what = `${file}:${line} ${rule}, ${severity}${note ? `, ${note}` : ''}`
  return `found ${what}; if it is no secret: secret_scan: { accept: [${fingerprint}] }`
}
