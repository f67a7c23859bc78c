import type { HttpAnswer } from '../containers/http-request.ts'
import { hostileAnswers } from '../hostile-text/hostile-answers.ts'
import { type BundleFault, faultOf, isBundle, isStyleSheet } from './bundle-faults.ts'
import { CheckFailed } from './check-failed.ts'
import { describePlace, type OwnAddons } from './describe-place.ts'
import type { Bundle, Findings } from './inspection/findings.ts'
import { pageRulesOf } from './inspection/settings.ts'
import { isCompiled, type Sheet, type StylePlace } from './style-place.ts'

/** Asks a runtime directly, as its proxy would: the candidate answers before any route leads to it. */
export interface Visitor {
  get(path: string): Promise<HttpAnswer>
  post(path: string, json: unknown): Promise<HttpAnswer>
  /** What it tells files of the project by, and says where they are. */
  readonly ownAddons: OwnAddons
}

/** Odoo's largest bundles have 10 MiB. */
export const maxBytes = 48 * 1024 ** 2

/**
 * Loads style sheets and scripts; those that Odoo makes have to be whole. Gives what they are, by path. `later`: those that are
 * loaded by a page that is there already, with the templates that it has.
 */
export async function loadBundles(
  visitor: Visitor,
  paths: readonly string[],
  later: ReadonlySet<string> = new Set(),
): Promise<Map<string, string>> {
  const faults: string[] = []
  const bodies = new Map<string, string>()
  // One file is in many bundles.
  const bundlesOf = new Map<string, string[]>()
  for (const path of paths) {
    const answer = await visitor.get(path)
    bodies.set(path, answer.body)
    const unfit = faultOfAnswer(path, answer)
    if (unfit !== undefined) faults.push(unfit)
    if (unfit !== undefined || !isBundle(path)) continue
    // One says enough of its own, and leaves room for those of others.
    for (const fault of (await faultsIn(visitor, path, answer.body, later.has(path))).slice(0, 3))
      bundlesOf.set(fault, [...(bundlesOf.get(fault) ?? []), nameOf(path)])
  }
  for (const [fault, [first, ...others]] of bundlesOf)
    faults.push(`${first}: ${fault}${others.length > 0 ? `, as in ${others.join(', ')}` : ''}`)
  if (faults.length > 0) throw new CheckFailed(faults.join('; '))
  return bodies
}

function faultOfAnswer(path: string, { status, body }: HttpAnswer): string | undefined {
  if (status !== 200) return `${path} answers ${status}`
  if (body === '') return `${path} answers 200 with nothing`
  if (isBundle(path) && Buffer.byteLength(body) >= maxBytes)
    return `${path} is larger than ${maxBytes / 1024 ** 2} MiB`
  return undefined
}

async function faultsIn(visitor: Visitor, path: string, body: string, isLater: boolean): Promise<string[]> {
  if (isStyleSheet(path)) return styleFaults(visitor, path, body)
  const faults = await hostileAnswers.read('scriptFaults', path, [body])
  const own = faults.filter(({ lacksTemplate }) => !(isLater && lacksTemplate))
  return own.map((fault) => describe(fault, visitor.ownAddons))
}

/** `/web/assets/5715ae8/web.assets_web.min.css` → `web.assets_web.min.css` */
const nameOf = (path: string) => path.split('?', 1)[0]?.split('/').at(-1) ?? path

const describe = ({ said, file }: BundleFault, own: OwnAddons) =>
  file === undefined ? said : `${said} (${describePlace({ file }, own)})`

/** Odoo counts the lines of all files together: those that it serves say which one it is. */
async function styleFaults(visitor: Visitor, path: string, body: string): Promise<string[]> {
  const fault = await hostileAnswers.read('styleFault', path, [body])
  if (!fault) return []
  const sheets = await readSheets(visitor, fault.files.filter(isCompiled))
  const own = visitor.ownAddons
  const place = await hostileAnswers.read('stylePlace', path, [fault, sheets, Object.keys(own)])
  if (!place) {
    // Sass and Less have compilers of their own, which images lack.
    const other = fault.files.find(
      (file) => !isCompiled(file) && Object.hasOwn(own, file.split('/')[1] ?? ''),
    )
    const { said, file = other } = faultOf(fault.said)
    return [describe({ said: showing(said, fault.code), ...(file !== undefined && { file }) }, own)]
  }
  return [`${showing(fault.said, place.text)} (${describeStyle(place, own)})`]
}

/** As the compiler shows it. */
const showing = (said: string, text = ''): string =>
  text.trim() === '' ? said : `${said} >> ${text.replace(/\s+/g, ' ').trim().slice(0, 100)}`

/** Most files are in several bundles, which are then at fault together: each is asked for once. */
const sheetsOf = new WeakMap<Visitor, Map<string, Promise<Sheet>>>()

async function readSheets(visitor: Visitor, files: readonly string[]): Promise<Sheet[]> {
  const sheets: Sheet[] = []
  for (let at = 0; at < files.length; at += atOnce)
    sheets.push(...(await Promise.all(files.slice(at, at + atOnce).map((file) => readSheet(visitor, file)))))
  return sheets
}

/** As browsers do. */
const atOnce = 6

function readSheet(visitor: Visitor, file: string): Promise<Sheet> {
  const known = sheetsOf.get(visitor) ?? new Map<string, Promise<Sheet>>()
  sheetsOf.set(visitor, known)
  const read = async () => {
    const answer = isAddress(file) ? await visitor.get(file) : undefined
    return { file, content: answer?.status === 200 ? answer.body : null }
  }
  const sheet = known.get(file) ?? read()
  known.set(file, sheet)
  return sheet
}

const isAddress = (file: string) => /^\/[^/\s]\S*$/.test(file)

function describeStyle({ setBy, ...place }: StylePlace, own: OwnAddons): string {
  const where = describePlace(place, own)
  return setBy ? `${where}; ${setBy.name} is set in ${describePlace(setBy, own)}` : where
}

/** Of a page that anybody sees: that what the project's own scripts need is in it. */
export async function checkOwnModules(visitor: Visitor, bodies: ReadonlyMap<string, string>): Promise<void> {
  const scripts = [...bodies].flatMap(([path, body]) => (isStyleSheet(path) ? [] : [body]))
  const missing = await hostileAnswers.read('missingModules', 'the scripts of a page', [scripts])
  const isOwn = ({ file = '' }: BundleFault) => Object.hasOwn(visitor.ownAddons, file.split('/')[1] ?? '')
  requireModules(missing.filter(isOwn), visitor)
}

function requireModules([missed, ...more]: readonly BundleFault[], { ownAddons }: Visitor): void {
  if (!missed) return
  const others = more.length > 0 ? ` (and ${more.length} more)` : ''
  throw new CheckFailed(`${describe(missed, ownAddons)}${others}`)
}

/** What the web client loads, in each direction of writing, and its words in each language. */
export async function checkBackend(
  visitor: Visitor,
  { bundles, languages }: Findings,
  odooVersion: string,
): Promise<string> {
  const failed = bundles.find(({ error }) => error !== undefined)
  if (failed) throw new CheckFailed(describeUnmade(failed, visitor.ownAddons))
  const { backend, translations } = pageRulesOf(odooVersion)
  const missing = backend.find(
    (name) => !bundles.some((bundle) => bundle.name === name && bundle.urls.length > 0),
  )
  if (languages.length > 0 && missing) throw new CheckFailed(`Odoo made no bundle ${missing}`)
  const paths = new Set(bundles.flatMap(({ urls }) => urls))
  // What is loaded later, or by other pages, finds there what its own bundle has not.
  const client = new Set(bundles.filter(({ name }) => backend.includes(name)).flatMap(({ urls }) => urls))
  const later = new Set([...paths].filter((path) => !client.has(path)))
  const bodies = await loadBundles(visitor, [...paths], later)
  const scripts = [...client].map((path) => bodies.get(path) ?? '')
  requireModules(
    await hostileAnswers.read('missingModules', 'the scripts of the web client', [scripts]),
    visitor,
  )
  for (const code of languages) {
    const { status } = await visitor.get(translations(code))
    if (status !== 200) throw new CheckFailed(`its words in ${code} answer ${status}`)
  }
  if (languages.length === 0) return 'the module web is not installed: there are no pages'
  return `${paths.size} style sheets and scripts load, in ${languages.length === 1 ? languages[0] : `${languages.length} languages`}`
}

function describeUnmade({ error, module, ...bundle }: Bundle, own: OwnAddons): string {
  const where = module ? ` (${describePlace({ file: `/${module}/__manifest__.py` }, own)})` : ''
  return `${nameOfBundle(bundle)} cannot be made: ${error}${where}`
}

const nameOfBundle = ({ name, rtl }: Pick<Bundle, 'name' | 'rtl'>) =>
  `${name}${rtl ? ', from right to left,' : ''}`
