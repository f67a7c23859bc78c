import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { Selectable } from 'kysely'
import { type RepositoryClaim, RepositoryClaimSchema } from '../../../proto/gen/fairway/v1/projects_pb.js'
import { audit } from '../../db/audit.ts'
import type { ProjectsTable } from '../../db/tables/projects.ts'
import type { Operation, Tx } from '../../db/tenancy.ts'
import { DomainError, invalid } from '../../errors.ts'
import { noteDefaultBranch } from './default-branch.ts'
import { isAtOtherForge } from './forge-hosts.ts'
import { isPathOf, parseRepositoryUrl, renamedUrl } from './project-fields.ts'
import {
  explainOutdated,
  forgottenNames,
  isNewName,
  isOutdated,
  noteUpdate,
  readdress,
  rename,
} from './repository-name.ts'
import {
  type ClaimedRepository,
  describePin,
  forgeOf,
  pinColumns,
  pinCommand,
  pinOf,
  type RepositoryPin,
} from './repository-pin.ts'

/** One that was refused, in `projects.repository_claim`. */
interface RefusedClaim {
  readonly slug: string
  readonly repository: string
  readonly owner: string
  /** ISO 8601 */
  readonly at: string
}

type Project = Selectable<ProjectsTable>

/**
 * Holds the project to the repository it was first seen with: what the claim says has been verified (a signature of the
 * project's webhook secret, or of the workflows' issuer), and is pinned when nothing is yet. The same repository under a
 * new name goes on, under that name. The transaction is the server's own. Throws `repository-changed`.
 */
export async function requireSameRepository(
  tx: Tx,
  op: Operation,
  projectId: string,
  claim: ClaimedRepository,
): Promise<void> {
  const project = await lockProject(tx, projectId)
  const refusal = findRefusal(project, claim)
  if (refusal) throw refusal
  await follow(tx, op, project, claim)
}

/** What became of what a delivery says of the project's repository. */
export interface Acknowledged {
  /** Given back and not thrown: it is noted, for an owner to decide (`project.repository-refused`, once for each claim). */
  readonly refusal?: DomainError
  /** For whoever reads what became of the delivery. */
  readonly notes: readonly string[]
  /** As they are known now. */
  readonly slug: string
  readonly defaultBranch?: string
}

/** The same for a delivery, which also says which branch is the default one. */
export async function acknowledgeRepository(
  tx: Tx,
  op: Operation,
  projectId: string,
  claim: ClaimedRepository,
): Promise<Acknowledged> {
  const project = await lockProject(tx, projectId)
  const refusal = findRefusal(project, claim)
  if (refusal) {
    await recordClaim(tx, op, project, claim)
    return { refusal, notes: [], slug: project.repository_slug }
  }
  await follow(tx, op, project, claim)
  if (isOutdated(project, claim)) {
    const note = explainOutdated(project, claim)
    const { repository_slug: slug, default_branch: defaultBranch } = project
    return { notes: note ? [note] : [], slug, ...(defaultBranch && { defaultBranch }) }
  }
  await noteUpdate(tx, project, claim)
  const { slug, defaultBranch } = claim
  if (!defaultBranch) return { notes: [], slug }
  const note = await noteDefaultBranch(tx, op, project, defaultBranch)
  return { notes: note ? [note] : [], slug, defaultBranch }
}

/**
 * An owner's word: of this repository from now on, and cloned from `address` where one is given. What was refused before and
 * is this one is taken at its word. Throws `invalid-repository-url` where the repository can't be at the project's address.
 */
export async function pinRepository(
  tx: Tx,
  op: Operation,
  projectId: string,
  pin: RepositoryPin,
  address = '',
): Promise<void> {
  const project = await lockProject(tx, projectId)
  requireAddressFor(project, pin, address)
  const given = address ? parseRepositoryUrl(address) : undefined
  await writePin(tx, op, projectId, pin)
  const claim = claimOf(project)
  if (claim) {
    await tx.updateTable('projects').set({ repository_claim: null }).where('id', '=', projectId).execute()
  }
  const slug = claim && isSame(pin, { slug: claim.slug, pin: claim }) ? claim.slug : undefined
  if (given) await readdress(tx, op, project, { url: given.url, slug: slug ?? given.slug })
  else if (slug) await rename(tx, op, project, slug)
  if (isAnother(pinOf(project), pin)) {
    await tx.updateTable('projects').set(forgottenNames).where('id', '=', projectId).execute()
  }
}

/** The names that one repository has left may be another one's. */
const isAnother = (before: RepositoryPin | undefined, pin: RepositoryPin): boolean =>
  before !== undefined &&
  before.repository !== pin.repository &&
  !wasTakenForGithub(before, { slug: '', pin })

/** Another forge's repository is not where this one was: its builds would go on with the code of the former place. */
function requireAddressFor(project: Project, pin: RepositoryPin, address: string): void {
  if (address ? !isAtOtherForge(address, pin) : !needsAddress(project, pin)) return
  throw invalid(
    'repository-url',
    address
      ? `${address} is at another git server than ${describePin(pin)}: give the address that agents are to clone from.`
      : `The project ${project.name} is cloned from ${project.repository_url}, and ${describePin(pin)} is elsewhere. Give ` +
          `its address as well: \`${pinCommand(project.name, pin)} --repository URL\`.`,
  )
}

function needsAddress(project: Project, pin: RepositoryPin): boolean {
  const before = pinOf(project)
  if (before && wasTakenForGithub(before, { slug: '', pin })) return false
  return (before && forgeOf(before) !== forgeOf(pin)) || isAtOtherForge(project.repository_url, pin)
}

/** What waits for an owner's word; undefined where nothing does. */
export function claimMessage(project: Project): RepositoryClaim | undefined {
  const claim = claimOf(project)
  const pin = pinOf(project)
  if (!claim) return undefined
  return create(RepositoryClaimSchema, {
    slug: claim.slug,
    repositoryUid: claim.repository,
    ownerUid: claim.owner,
    explanation: pin
      ? explain(project, pin, { slug: claim.slug, pin: claim.repository ? claim : undefined })
      : '',
    firstSeenAt: timestampFromDate(new Date(claim.at)),
  })
}

const claimOf = (project: Project) => project.repository_claim as RefusedClaim | null

const lockProject = (tx: Tx, projectId: string): Promise<Project> =>
  tx.selectFrom('projects').selectAll().where('id', '=', projectId).forUpdate().executeTakeFirstOrThrow()

function findRefusal(project: Project, claim: ClaimedRepository): DomainError | undefined {
  const pin = pinOf(project)
  if (!pin) return undefined
  const known = isSame(pin, claim) || wasTakenForGithub(pin, claim)
  const { repository_url: url, repository_slug: slug } = project
  const follows =
    !isNewName(project, claim.slug) ||
    isOutdated(project, claim) ||
    (!isAtOtherForge(url, claim.pin ?? pin) && renamedUrl(url, slug, claim.slug) !== undefined)
  if (known && follows) return undefined
  return new DomainError('forbidden', 'repository-changed', explain(project, pin, claim))
}

const isSame = (pin: RepositoryPin, { pin: claimed }: ClaimedRepository): boolean =>
  claimed?.repository === pin.repository && claimed.owner === pin.owner

/** Before other forges were told apart, ids that they sent in GitHub's form were pinned as GitHub's. */
const wasTakenForGithub = (pin: RepositoryPin, { pin: claimed }: ClaimedRepository): boolean =>
  claimed?.repository.startsWith('gitea:') === true &&
  pin.repository === claimed.repository.replace('gitea:', 'github:') &&
  pin.owner === claimed.owner.replace('gitea:', 'github:')

function explain(project: Project, pin: RepositoryPin, claim: ClaimedRepository): string {
  const { name } = project
  const { slug, pin: claimed } = claim
  const is = `The project ${name} is of ${describePin(pin)}`
  if (!claimed) {
    return (
      `${is}, and ${slug} now is a repository without ids: it is at another git server. If that is right, an owner says ` +
      `so: \`fairway project pin ${name} --repository-id ID --owner-id ID --repository URL\`.`
    )
  }
  if (isSame(pin, claim)) {
    return (
      `${is}, which is called ${slug} now, and its address ${project.repository_url} is at another git server or does not ` +
      `name it: nobody knows who has that name there. Nothing is built until an owner says where it is: \`fairway project update ${name} ` +
      '--repository URL`.'
    )
  }
  const address = needsAddress(project, claimed) ? ' --repository URL' : ''
  const consent = `an owner says so: \`${pinCommand(name, claimed)}${address}\`.`
  if (claimed.repository === pin.repository) {
    return (
      `${is}, and was given to another owner: ${slug} is ${describePin(claimed)}. Whoever owns it decides what is pushed, so ` +
      `nothing is built until ${consent}`
    )
  }
  return (
    `${is}, and ${slug} now is ${describePin(claimed)}: it was made anew, or somebody else took the name over. If that is ` +
    `right, ${consent}`
  )
}

async function follow(tx: Tx, op: Operation, project: Project, claim: ClaimedRepository): Promise<void> {
  const pin = pinOf(project)
  if (claim.pin && !(pin && isSame(pin, claim))) await writePin(tx, op, project.id, claim.pin)
  // An address alone does not say where the name begins; the git server does.
  const isKnown = pin !== undefined || isPathOf(project.repository_url, claim.slug)
  if (isKnown && !isOutdated(project, claim)) await rename(tx, op, project, claim.slug)
  // Had its owner given it away, nothing is left to decide.
  if (claim.pin && claimOf(project)?.repository === claim.pin.repository) {
    await tx.updateTable('projects').set({ repository_claim: null }).where('id', '=', project.id).execute()
  }
}

async function recordClaim(
  tx: Tx,
  op: Operation,
  project: Project,
  { slug, pin }: ClaimedRepository,
): Promise<void> {
  const before = claimOf(project)
  const claim = { slug, repository: pin?.repository ?? '', owner: pin?.owner ?? '' }
  if (
    before &&
    before.repository === claim.repository &&
    before.owner === claim.owner &&
    before.slug === slug
  )
    return
  await tx
    .updateTable('projects')
    .set({
      repository_claim: JSON.stringify({ ...claim, at: new Date().toISOString() } satisfies RefusedClaim),
    })
    .where('id', '=', project.id)
    .execute()
  const subject = { kind: 'project', id: project.id, projectId: project.id }
  await audit(tx, op, 'project.repository-refused', subject, claim)
}

async function writePin(tx: Tx, op: Operation, projectId: string, pin: RepositoryPin): Promise<void> {
  const columns = pinColumns(pin)
  await tx.updateTable('projects').set(columns).where('id', '=', projectId).execute()
  const details = columns.github_repository_id
    ? { repositoryId: columns.github_repository_id, ownerId: columns.github_owner_id }
    : pin
  await audit(tx, op, 'project.pin', { kind: 'project', id: projectId, projectId }, { ...details })
}
