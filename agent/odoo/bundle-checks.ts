import type { HttpAnswer } from '../containers/http-request.ts'
import { hostileText } from '../hostile-text/hostile-text.ts'
import { isBundle } from './bundle-faults.ts'
import { CheckFailed } from './check-failed.ts'
import type { Bundle, Findings } from './inspection/findings.ts'
import { pageRulesOf } from './inspection/settings.ts'

/** Asks a runtime directly, as its proxy would: the candidate answers before any route leads to it. */
export interface Visitor {
  get(path: string): Promise<HttpAnswer>
  post(path: string, json: unknown): Promise<HttpAnswer>
}

/** Odoo's largest bundles have 10 MiB. */
export const maxBytes = 48 * 1024 ** 2

/** Loads style sheets and scripts; those that Odoo makes have to be whole. Gives what they are. */
export async function loadBundles(visitor: Visitor, paths: readonly string[]): Promise<string[]> {
  const [faults, bodies]: [string[], string[]] = [[], []]
  for (const path of paths) {
    const answer = await visitor.get(path)
    bodies.push(answer.body)
    // One says enough of its own, and leaves room for those of others.
    faults.push(...(await faultsOf(path, answer)).slice(0, 3))
  }
  if (faults.length > 0) throw new CheckFailed(faults.join('; '))
  return bodies
}

async function faultsOf(path: string, { status, body }: HttpAnswer): Promise<string[]> {
  if (status !== 200) return [`${path} answers ${status}`]
  if (body === '') return [`${path} answers 200 with nothing`]
  if (!isBundle(path)) return []
  if (Buffer.byteLength(body) >= maxBytes) return [`${path} is larger than ${maxBytes / 1024 ** 2} MiB`]
  const faults = await hostileText.read('bundleFaults', path, [path, body])
  return faults.map((fault) => `${nameOf(path)}: ${fault}`)
}

/** `/web/assets/5715ae8/web.assets_web.min.css` → `web.assets_web.min.css` */
const nameOf = (path: string) => path.split('?', 1)[0]?.split('/').at(-1) ?? path

/** What the web client loads, in each direction of writing, and its words in each language. */
export async function checkBackend(
  visitor: Visitor,
  { bundles, languages }: Findings,
  odooVersion: string,
): Promise<string> {
  const failed = bundles.find(({ error }) => error !== undefined)
  if (failed) throw new CheckFailed(`${describe(failed)} cannot be made: ${failed.error}`)
  const { backend, translations } = pageRulesOf(odooVersion)
  const missing = backend.find(
    (name) => !bundles.some((bundle) => bundle.name === name && bundle.urls.length > 0),
  )
  if (languages.length > 0 && missing) throw new CheckFailed(`Odoo made no bundle ${missing}`)
  const paths = [...new Set(bundles.flatMap(({ urls }) => urls))]
  const bodies = await loadBundles(visitor, paths)
  const [missed, ...more] = await hostileText.read('missingModules', 'the scripts of the web client', [
    bodies,
  ])
  if (missed !== undefined)
    throw new CheckFailed(`${missed}${more.length > 0 ? ` (and ${more.length} more)` : ''}`)
  for (const code of languages) {
    const { status } = await visitor.get(translations(code))
    if (status !== 200) throw new CheckFailed(`its words in ${code} answer ${status}`)
  }
  if (languages.length === 0) return 'the module web is not installed: there are no pages'
  return `${paths.length} style sheets and scripts load, in ${languages.length === 1 ? languages[0] : `${languages.length} languages`}`
}

const describe = ({ name, rtl }: Bundle) => `${name}${rtl ? ', from right to left,' : ''}`
