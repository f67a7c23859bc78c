import { findMissingModules, findScriptFaults } from '../odoo/bundle-faults.ts'
import { parseFindings } from '../odoo/inspection/findings.ts'
import { findAssets } from '../odoo/page-assets.ts'
import { findStyleFault } from '../odoo/style-fault.ts'
import { findStylePlace } from '../odoo/style-place.ts'

/** What is made of what an Odoo of strangers answers, each in a thread: functions of their input and nothing else. */
export const jobs = {
  assets: findAssets,
  findings: parseFindings,
  holds: (text: string, wanted: string): boolean => text.includes(wanted),
  missingModules: findMissingModules,
  scriptFaults: findScriptFaults,
  styleFault: findStyleFault,
  stylePlace: findStylePlace,
}
