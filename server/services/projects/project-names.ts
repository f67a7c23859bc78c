import type { Tx } from '../../db/tenancy.ts'
import { DomainError } from '../../errors.ts'

/**
 * A name that a project has or had is never another one's: hosts serve addresses and keep caches under it, and evidence
 * names it. The caller sees all projects. Throws `project-exists`.
 */
export async function requireFreeName(tx: Tx, name: string, ownId?: string): Promise<void> {
  const rows = await tx
    .selectFrom('projects')
    .select(['id', 'name'])
    .where((eb) => eb.or([eb('name', '=', name), eb(eb.val(name), '=', eb.fn.any('former_names'))]))
    .execute()
  const other = rows.find(({ id }) => id !== ownId)
  if (!other) return
  const why =
    other.name === name
      ? `There is a project ${name} already`
      : `${name} is what the project ${other.name} was called, and its addresses and evidence may still be`
  throw new DomainError('duplicate', 'project-exists', `${why}. Choose another name.`)
}
