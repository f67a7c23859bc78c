import { z } from 'zod'
import { baseDocumentName } from '../../../lib/repository/base-document-name.ts'
import type { GetBaseImageRequest } from '../../../proto/gen/fairway/v1/locks_pb.js'
import type { BlobStore } from '../../blobs/store.ts'
import type { AppContext } from '../../context.ts'
import { withTenant } from '../../db/tenancy.ts'
import { notFound } from '../../errors.ts'
import type { Caller } from '../../governance/authorize.ts'
import { requireProject } from '../projects/projects.ts'

/** Documents that are read to find one. A project has a new one where a tag of its images names something else. */
const mostRead = 40

/**
 * What an image holds, as the project's newest resolve with it found it: branches may be built on several. Throws
 * `project-not-found`, `base-image-not-found`.
 */
export async function getBaseImage(
  { db, blobs, config }: AppContext,
  caller: Caller,
  wanted: Pick<GetBaseImageRequest, 'project' | 'knownSha256' | 'image'>,
): Promise<{ document: string; sha256: string }> {
  const image = wanted.image || config.odooImage
  const { project, documents } = await withTenant(db, caller, async (tx) => {
    const { id, name } = await requireProject(tx, wanted.project)
    const rows = await tx
      .selectFrom('artifacts')
      .innerJoin('runs', 'runs.id', 'artifacts.run_id')
      .select('artifacts.sha256')
      .where('runs.project_id', '=', id)
      .where('artifacts.name', '=', baseDocumentName)
      .groupBy('artifacts.sha256')
      .orderBy(({ fn }) => fn.max('artifacts.created_at'), 'desc')
      .limit(mostRead)
      .execute()
    return { project: name, documents: rows.map(({ sha256 }) => sha256) }
  })
  const found = await findOf(image, documents, blobs)
  if (!found) {
    const how = `No build of it told what ${image} holds: fairway build start ${project} BRANCH.`
    throw notFound('base-image', `of ${project}`, how)
  }
  const { document, sha256 } = found
  return { document: sha256 === wanted.knownSha256 ? '' : document, sha256 }
}

/** What is asked of a document here; the rest is for who checks by it. */
const documentSchema = z.object({ image: z.string() })

async function findOf(
  image: string,
  documents: readonly string[],
  blobs: Pick<BlobStore, 'get'>,
): Promise<{ document: string; sha256: string } | undefined> {
  for (const sha256 of documents) {
    const document = (await blobs.get(sha256)).toString('utf8')
    if (imageOf(document) === image) return { document, sha256 }
  }
  return undefined
}

/** Undefined for what an agent wrote that writes other documents. */
function imageOf(document: string): string | undefined {
  try {
    return documentSchema.safeParse(JSON.parse(document)).data?.image
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
