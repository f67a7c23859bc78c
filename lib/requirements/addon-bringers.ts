import { keptDistributions } from './import-names.ts'
import type { ProjectRequirements } from './requirements-file.ts'

/** As the OCA names packages of addons, and those of whole repositories. */
const namedAsAddons = /^odoo\d*-addons?-/

type Asked = Pick<ProjectRequirements, 'requirements'>

export const namesAddons = ({ requirements }: Asked): boolean =>
  requirements.some(({ name }) => namedAsAddons.test(name))

/**
 * Whether packages could bring addons that are not there yet. Their names cannot say that none does: only their wheels can,
 * which takes minutes. Not so what the image has already, and libraries that are kept by name.
 */
export const mayBringAddons = (
  { requirements }: Asked,
  { distributions }: { readonly distributions: Readonly<Record<string, string>> },
): boolean =>
  requirements.some(
    ({ name }) => namedAsAddons.test(name) || !(name in distributions || keptDistributions.has(name)),
  )
