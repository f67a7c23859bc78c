import { hashLeaf, rootFromProof } from '../verify/merkle.ts'
import { BadMember, type Members, requireMember } from './bad-member.ts'
import type { Checkpoint } from './checkpoint.ts'
import { readObject } from './json-member.ts'
import { sha256 } from './manifest.ts'
import type { VerifiedStatement } from './statements.ts'

/** Every event is in the checkpoint's tree, at the place its name says. Gives how many there are; throws BadMember. */
export function verifyEvents(members: Members, checkpoint: Checkpoint): number {
  const paths = eventPaths(members)
  for (const path of paths) {
    const index = /^audit\/(0|[1-9]\d{0,14})\.json$/.exec(path)?.[1]
    if (!index) throw new BadMember(path, 'not named by its index')
    const proofPath = `audit/${index}.tlog-proof`
    const text = requireMember(members, proofPath).toString('utf8')
    const head = `c2sp.org/tlog-proof@v1\nindex ${index}\n`
    const tail = `\n${checkpoint.note}`
    if (!text.startsWith(head) || !text.endsWith(tail))
      throw new BadMember(proofPath, 'not a proof for this event and checkpoint')
    const hashes = text.slice(head.length, -tail.length).split('\n').filter(Boolean)
    const proof = hashes.map((hash) => Buffer.from(hash, 'base64'))
    const root = rootFromProof(hashLeaf(requireMember(members, path)), Number(index), checkpoint.size, proof)
    if (!root?.equals(checkpoint.root)) throw new BadMember(path, 'not in the tree of audit/checkpoint')
  }
  return paths.length
}

/** The event of the run's end names its manifest and every statement. Throws BadMember where it does not. */
export function verifyEnd(
  members: Members,
  statements: readonly VerifiedStatement[],
  { origin }: Checkpoint,
): void {
  const run = statements.find(({ name }) => name === 'run')?.predicate.run as { id?: string } | undefined
  const ends = eventPaths(members).flatMap((path) => {
    const event: AuditEvent = readObject(members, path)
    return event.action === 'run.end' && event.subject?.id === run?.id ? [{ path, event }] : []
  })
  const [end, another] = ends
  if (!end) throw new BadMember('audit', 'no event that ends the run')
  if (another) throw new BadMember('audit', 'more than one event that ends the run')
  if (origin !== `fairway/${end.event.organization}`)
    throw new BadMember('audit/checkpoint', `of ${origin}, and the run is of another organization`)
  const named = end.event.details ?? {}
  const requireNamed = (path: string, hash: string | undefined) => {
    if (sha256(requireMember(members, path)) !== hash)
      throw new BadMember(path, `not the one that ${end.path} names`)
  }
  requireNamed('run/manifest.json', named.manifest)
  for (const { name } of statements)
    requireNamed(`statements/${name}.sigstore.json`, named.statements?.[name])
  for (const name of Object.keys(named.statements ?? {})) {
    requireMember(members, `statements/${name}.sigstore.json`)
  }
}

interface AuditEvent {
  readonly action?: string
  readonly organization?: string
  readonly subject?: { readonly id?: string }
  readonly details?: {
    readonly manifest?: string
    readonly statements?: Readonly<Record<string, string>>
  }
}

const eventPaths = (members: Members): string[] =>
  [...members.keys()].filter((path) => path.startsWith('audit/') && path.endsWith('.json')).sort()
