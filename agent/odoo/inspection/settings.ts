import { inspectionScript } from './script.ts'

/** What differs by Odoo's series in how a page comes to its style sheets and scripts. */
interface PageRules {
  /** From this major version on. */
  readonly from: number
  /** Bundles are made by name when their address is asked for, and not while a page is rendered. */
  readonly byName: boolean
  /** What the web client loads. */
  readonly backend: readonly string[]
  readonly frontend: readonly string[]
  /** Of the till, where it is installed. */
  readonly pointOfSale: readonly string[]
  /** Where the web client asks for its words in a language, which everybody may. */
  readonly translations: (code: string) => string
}

/**
 * `web/controllers/binary.py` (`content_assets`), `web/views/webclient_templates.xml` and `web/controllers/webclient.py`
 * of each series, newest first. Later series than those are taken for the newest.
 */
const pageRules: readonly PageRules[] = [
  {
    from: 19,
    byName: true,
    backend: ['web.assets_web'],
    frontend: ['web.assets_frontend'],
    pointOfSale: ['point_of_sale.assets_prod'],
    translations: (code) => `/web/webclient/translations?lang=${code}`,
  },
  {
    from: 17,
    byName: true,
    backend: ['web.assets_web'],
    frontend: ['web.assets_frontend'],
    pointOfSale: ['point_of_sale.assets_prod'],
    translations: (code) => `/web/webclient/translations/0?lang=${code}`,
  },
  {
    from: 0,
    byName: false,
    backend: ['web.assets_common', 'web.assets_backend'],
    frontend: ['web.assets_frontend'],
    pointOfSale: ['point_of_sale.assets'],
    translations: (code) => `/web/webclient/translations/0?lang=${code}`,
  },
]

/** @param version `19.0`; empty where the image does not say. */
export function pageRulesOf(version: string): PageRules {
  const major = Number.parseInt(version, 10)
  const rules = Number.isNaN(major) ? undefined : pageRules.find(({ from }) => major >= from)
  return rules ?? pageRules[0]!
}

/** Before each finding on standard output: modules may write there as well. */
export const findingWord = 'fairway-inspection'

/** Style sheets of what is printed: the web client's own (from 17 on; before, Odoo has none of that name), and reports. */
const prints = ['web.assets_web_print', 'web.report_assets_common']

/** What `odoo shell` is given. `addons`: names of the project's own, of which the database may have some. */
export function inspectionInput(
  version: string,
  { bundles, addons }: { bundles: boolean; addons: readonly string[] },
): string {
  const { byName, backend, frontend, pointOfSale } = pageRulesOf(version)
  const asked = { word: findingWord, bundles, byName, backend, frontend, prints, pointOfSale, addons }
  // JSON of JSON is a string of Python as well.
  return `import json\nsettings = json.loads(${JSON.stringify(JSON.stringify(asked))})\n${inspectionScript}`
}
