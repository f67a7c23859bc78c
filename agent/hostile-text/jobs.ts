import { findMissingModules, findScriptFaults } from '../odoo/bundle-faults.ts'
import { parseFindings } from '../odoo/inspection/findings.ts'
import { findAssets } from '../odoo/page-assets.ts'
import { findStyleFault } from '../odoo/style-fault.ts'
import { findStylePlace } from '../odoo/style-place.ts'
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

/** What is made of strangers' text, each in a thread of its own kind: functions of their input and nothing else. */
export const jobs = {
  addonsYaml: parseAddonsYaml,
  assets: findAssets,
  closures: closeModules,
  fairwayFile: parseFairwayFile,
  findings: parseFindings,
  holds: (text: string, wanted: string): boolean => text.includes(wanted),
  lock: parseLock,
  manifests: parseManifests,
  missingModules: findMissingModules,
  pathsEnabledBy,
  pathsExcludedBy,
  ocaDependencies: parseOcaDependencies,
  odooConf: parseOdooConf,
  packageList: parsePackageList,
  reposYaml: parseReposYaml,
  requirements: readRequirementsBytes,
  scriptFaults: findScriptFaults,
  styleFault: findStyleFault,
  stylePlace: findStylePlace,
}
