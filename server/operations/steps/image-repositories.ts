import { sql } from 'kysely'
import type { Tx } from '../../db/tenancy.ts'

/** `registry.example/acme/shop`: where a project's images are kept, under the name it has or had. */
export const imageRepositoryOf = (registry: string, organization: string, project: string): string =>
  `${registry}/${organization}/${project}`

/**
 * Former names of the project under which images of it were made, oldest first: they stay where they are when it is
 * renamed. Not the other ones: registries deny that there is a repository where nothing was ever pushed.
 *
 * @param place of all its images, ends with a slash.
 */
export async function listFormerNames(
  tx: Tx,
  project: { readonly id: string; readonly name: string },
  place: string,
): Promise<string[]> {
  const rows = await tx
    .selectFrom('project_names')
    .select('name')
    .where('project_id', '=', project.id)
    .where('name', '<>', project.name)
    .where(
      sql<boolean>`exists (select from runs where runs.project_id = ${project.id} and record ? 'image'
        and split_part(record ->> 'image', '@', 1) = ${place}::text || project_names.name)`,
    )
    .orderBy('taken_at')
    .orderBy('name')
    .execute()
  return rows.map(({ name }) => name)
}
