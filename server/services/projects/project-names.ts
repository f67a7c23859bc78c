import type { Tx } from '../../db/tenancy.ts'
import { DomainError } from '../../errors.ts'

/**
 * Makes the name the project's, for ever: hosts serve addresses and keep caches under it, and evidence names it. The
 * key of the table decides, for it also knows projects that the caller does not see. Throws `project-exists` for a
 * name that another project has or had.
 */
export async function takeName(
  tx: Tx,
  name: string,
  { organizationId, projectId }: { organizationId: string; projectId: string },
): Promise<void> {
  const { numInsertedOrUpdatedRows: taken } = await tx
    .insertInto('project_names')
    .values({ organization_id: organizationId, name, project_id: projectId })
    .onConflict((conflict) => conflict.columns(['organization_id', 'name']).doNothing())
    .executeTakeFirstOrThrow()
  if (taken === 1n) return
  const holder = await tx
    .selectFrom('project_names')
    .innerJoin('projects', 'projects.id', 'project_names.project_id')
    .select(['projects.id', 'projects.name'])
    .where('project_names.name', '=', name)
    .executeTakeFirst()
  if (holder?.id === projectId) return
  throw new DomainError('duplicate', 'project-exists', `${explain(name, holder?.name)}. Choose another name.`)
}

function explain(name: string, holder: string | undefined): string {
  if (holder === name) return `There is a project ${name} already`
  if (holder === undefined) return `${name} is or was the name of another project`
  return `${name} is what the project ${holder} was called, and its addresses and evidence may still be`
}
