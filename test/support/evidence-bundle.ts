import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Archive, readArchive } from '../../cli/evidence/read-archive.ts'
import { operation, withTenant } from '../../server/db/tenancy.ts'
import { auditMembers } from '../../server/evidence/bundle/audit-members.ts'
import { sealBundle } from '../../server/evidence/bundle/seal.ts'
import { currentKey, type KeyPurpose, type SigningKey } from '../../server/evidence/keys.ts'
import { originOf, signCheckpoint } from '../../server/evidence/notes.ts'
import { leafHash } from '../../server/evidence/tree/hashes.ts'
import { appendLeaves, emptyFrontier, rootOf } from '../../server/evidence/tree/nodes.ts'
import { inclusionRanges, proofOf } from '../../server/evidence/tree/proofs.ts'
import { unpack } from './bundles.ts'
import { playRun } from './play-run.ts'
import { startTestServer, type TestServer } from './server.ts'
import { type ArrangedBuild, arrangeBuild, arrangeTenant, type Tenant } from './tenant.ts'

/** A server with one production build that went through an approval, and its bundle. */
export interface EvidenceFixture extends AsyncDisposable {
  readonly server: TestServer
  readonly tenant: Tenant
  readonly token: string
  readonly production: ArrangedBuild
  readonly packed: Buffer
  readonly archive: Archive
  /** The bundle as it is unpacked. */
  readonly directory: string
  pull(runId: string): Promise<Buffer>
  /** A key that the server signs with now, as only it has it. */
  signingKey(purpose?: KeyPurpose): Promise<SigningKey>
}

export async function arrangeEvidence(): Promise<EvidenceFixture> {
  const server = await startTestServer()
  const { context } = server
  const { organizationId, token } = await server.createTenant('acme')
  const tenant = await arrangeTenant(context, organizationId, 'shop')
  const production = await arrangeBuild(context, tenant, 'main')
  await playRun(context, tenant, production.runId)
  const pull = async (runId: string) => {
    const { sha256 } = await sealBundle(context, organizationId, runId)
    return await context.blobs.get(sha256)
  }
  const packed = await pull(production.runId)
  const archive = await readArchive(packed, 'bundle')
  const directory = await mkdtemp(join(tmpdir(), 'fairway-evidence-'))
  await unpack(archive.members, directory)
  return {
    server,
    tenant,
    token,
    production,
    packed,
    archive,
    directory,
    pull,
    signingKey: (purpose = 'statements') =>
      withTenant(context.db, operation(organizationId, 'test'), (tx) =>
        currentKey(tx, operation(organizationId, 'test'), context.sealer, purpose),
      ),
    async [Symbol.asyncDispose]() {
      await server.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** MANIFEST and its signature for these members, as a server with evil intent could make them. */
export function signManifest(members: Map<string, Buffer>, key: SigningKey): void {
  const paths = [...members.keys()].filter((path) => path !== 'MANIFEST' && path !== 'MANIFEST.sig').sort()
  const hash = (path: string) =>
    createHash('sha256')
      .update(members.get(path) ?? '')
      .digest('hex')
  const manifest = Buffer.from(paths.map((path) => `${hash(path)}  ${path}\n`).join(''))
  members.set('MANIFEST', manifest)
  members.set('MANIFEST.sig', key.sign(manifest))
}

/** The bundle's members with the event of the run's end at another place, in a tree of another size, all signed. */
export async function moveEnd(
  evidence: EvidenceFixture,
  index: number,
  size: number,
): Promise<Map<string, Buffer>> {
  const all = [...evidence.archive.members]
  const end = all.find(([path, bytes]) => path.startsWith('audit/') && bytes.includes('"action":"run.end"'))
  if (!end) throw new Error('The bundle has no event of its run’s end')
  const leaves = Array.from({ length: size }, (_, at) =>
    leafHash(at === index ? end[1] : Buffer.from(`${at}`)),
  )
  const { frontier, made } = appendLeaves(emptyFrontier, leaves)
  const nodes = new Map(made.map((node) => [`${node.level}/${node.index}`, node.hash]))
  const proof = await proofOf(inclusionRanges(index, size), (wanted) =>
    wanted.map((node) => (node.level === 0 ? leaves[node.index] : nodes.get(`${node.level}/${node.index}`))!),
  )
  const head = { origin: originOf('acme'), size, root: rootOf(frontier) }
  const checkpoint = signCheckpoint(head, [await evidence.signingKey('checkpoints')])
  const members = new Map(all.filter(([path]) => !path.startsWith('audit/')))
  const moved = auditMembers({ checkpoint, size, events: [{ index, leaf: end[1].toString('utf8'), proof }] })
  for (const { path, read } of moved) members.set(path, Buffer.from(await read()))
  signManifest(members, await evidence.signingKey())
  return members
}

/** Gives `fn` a directory with these members that is gone afterwards. */
export async function withUnpacked(
  members: ReadonlyMap<string, Buffer>,
  fn: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'fairway-unpacked-'))
  try {
    await unpack(members, directory)
    await fn(directory)
  } finally {
    await rm(directory, { recursive: true })
  }
}
