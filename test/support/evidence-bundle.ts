import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Archive, readArchive } from '../../cli/evidence/read-archive.ts'
import { operation, withTenant } from '../../server/db/tenancy.ts'
import { sealBundle } from '../../server/evidence/bundle/seal.ts'
import { currentKey, type SigningKey } from '../../server/evidence/keys.ts'
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
  /** The key that statements are signed with, as only the server has it. */
  signingKey(): Promise<SigningKey>
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
    signingKey: () =>
      withTenant(context.db, operation(organizationId, 'test'), (tx) =>
        currentKey(tx, operation(organizationId, 'test'), context.sealer, 'statements'),
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
