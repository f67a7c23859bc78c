import { baseDocumentName } from '../../../lib/repository/base-document-name.ts'
import type { GetBaseImageRequest } from '../../../proto/gen/fairway/v1/locks_pb.js'
import type { AppContext } from '../../context.ts'
import { withTenant } from '../../db/tenancy.ts'
import { notFound } from '../../errors.ts'
import type { Caller } from '../../governance/authorize.ts'
import { requireProject } from '../projects/projects.ts'

/**
 * What a project's base image holds, as the newest resolve of any of its branches found it. Throws `project-not-found`,
 * `base-image-not-found`.
 */
export async function getBaseImage(
  { db, blobs }: AppContext,
  caller: Caller,
  { project: name, knownSha256 }: Pick<GetBaseImageRequest, 'project' | 'knownSha256'>,
): Promise<{ document: string; sha256: string }> {
  const sha256 = await withTenant(db, caller, async (tx) => {
    const project = await requireProject(tx, name)
    const artifact = await tx
      .selectFrom('artifacts')
      .innerJoin('runs', 'runs.id', 'artifacts.run_id')
      .select('artifacts.sha256')
      .where('runs.project_id', '=', project.id)
      .where('artifacts.name', '=', baseDocumentName)
      .orderBy('artifacts.created_at', 'desc')
      .limit(1)
      .executeTakeFirst()
    if (artifact) return artifact.sha256
    const how = `A build tells it: fairway build start ${project.name} BRANCH.`
    throw notFound('base-image', `of ${project.name}`, how)
  })
  if (sha256 === knownSha256) return { document: '', sha256 }
  return { document: (await blobs.get(sha256)).toString('utf8'), sha256 }
}
