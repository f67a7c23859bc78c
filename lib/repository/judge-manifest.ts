import type { Manifest } from './manifest-fields.ts'
import { judgeVersion } from './module-version.ts'

/** What an Odoo makes of a manifest. */
export interface ManifestVerdict {
  /** Why the module cannot be installed, for people: `` `depends` is a string … ``; undefined: it can. */
  readonly unfit?: string
  /** It is for another Odoo, and nothing else is wrong with it. */
  readonly otherSeries?: boolean
  /** Odoo stops on it while it reads all manifests, whether the module is installed or not. */
  readonly stops?: boolean
  /** Odoo finds out only as it installs the module: until then it is one like others, and may come by itself. */
  readonly failsLate?: boolean
  /** What Odoo does not refuse and people should know. */
  readonly remark?: string
}

/** What of a manifest is judged. */
export type JudgedFields = Pick<Manifest, 'faults' | 'installable' | 'writtenVersion'>

/** `series` is that of the project's Odoo; empty where nobody says it. */
export function judgeManifest(manifest: JudgedFields, series: string): ManifestVerdict {
  const { faults, installable, writtenVersion } = manifest
  const odoo = `Odoo${series ? ` ${series}` : ''}`
  const stopping = faults.find(({ stops }) => stops)
  if (stopping)
    return { stops: true, unfit: `${stopping.what}: ${odoo} stops on it while it reads all manifests` }
  // A version is no matter where nobody is to install it.
  const version = installable ? judgeVersion(writtenVersion, series) : {}
  if (version.fault !== undefined)
    return { unfit: version.fault, stops: version.stops, otherSeries: version.otherSeries }
  const [fault] = faults
  if (fault) return { unfit: `${fault.what}: ${odoo} cannot install it`, failsLate: true }
  return version.remark === undefined ? {} : { remark: version.remark }
}
