import { closeModules } from '../repository/close-stages.ts'
import { parseFairwayFile } from '../repository/fairway-yaml.ts'
import { parseLock } from '../repository/lock-document.ts'
import { parseManifests } from '../repository/manifests.ts'
import { parseAddonsYaml } from '../repository/sources/addons-yaml.ts'
import { pathsEnabledBy } from '../repository/sources/doodba.ts'
import { pathsExcludedBy } from '../repository/sources/excluded.ts'
import { parseOcaDependencies } from '../repository/sources/oca-dependencies.ts'
import { parseOdooConf } from '../repository/sources/odoo-conf.ts'
import { parsePackageList } from '../repository/sources/package-list.ts'
import { parseReposYaml } from '../repository/sources/repos-yaml.ts'
import { readRequirementsBytes } from '../requirements/requirements-bytes.ts'

/** What is made of a repository's text, each in a thread: functions of their input and nothing else. */
export const jobs = {
  addonsYaml: parseAddonsYaml,
  closures: closeModules,
  fairwayFile: parseFairwayFile,
  lock: parseLock,
  manifests: parseManifests,
  ocaDependencies: parseOcaDependencies,
  odooConf: parseOdooConf,
  packageList: parsePackageList,
  pathsEnabledBy,
  pathsExcludedBy,
  reposYaml: parseReposYaml,
  requirements: readRequirementsBytes,
}
