/**
 * Where Odoo's series part ways in how they read modules. Of odoo/modules/module.py (`adapt_version`, `check_version`,
 * `load_manifest`, `MANIFEST_NAMES`, `MODULE_NAME_RE`) and `must_install` of odoo/addons/base/models/ir_module.py.
 */
export interface SeriesRules {
  /** In the order in which Odoo looks for them. */
  readonly manifestNames: readonly string[]
  /**
   * `any`: the series is put before a version that does not begin with it, whatever it is. `strict`: one that is not
   * `x.y` or `x.y.z` beside the series stops Odoo while it reads all manifests. `compared`: one with the wrong number of
   * parts stops it, and one of another series makes the module uninstallable.
   */
  readonly version: 'any' | 'strict' | 'compared'
  /** A version that is no string is read as one. */
  readonly versionOfAnyType: boolean
  /** `countries` of a module keep it from installing itself elsewhere. */
  readonly countries: boolean
  /** A folder with a manifest and a name that no module has stops it, where it looks for addons. */
  readonly stopsOnNames: boolean
}

const bothNames = ['__manifest__.py', '__openerp__.py']
const before17: SeriesRules = {
  manifestNames: bothNames,
  version: 'any',
  versionOfAnyType: false,
  countries: false,
  stopsOnNames: false,
}
const from17: SeriesRules = { ...before17, version: 'strict', countries: true }
const from19: SeriesRules = {
  manifestNames: ['__manifest__.py'],
  version: 'compared',
  versionOfAnyType: true,
  countries: true,
  stopsOnNames: true,
}

const rules: Readonly<Record<string, SeriesRules>> = {
  '14.0': before17,
  '15.0': before17,
  '16.0': before17,
  '17.0': from17,
  '18.0': from17,
  '19.0': from19,
}

/** Those of the newest for a series that is not known (yet): what it takes, the older ones mostly do. */
export const rulesOf = (series: string): SeriesRules => rules[series] ?? from19
