import { Script } from 'node:vm'
import { leftOut } from './harmless.ts'

/** What is wrong with a bundle, in one line. Plain JSON. */
export interface BundleFault {
  said: string
  /** What it is in, by its address: `/sale_x/static/src/price.js`. */
  file?: string
  /** It lacks a template, which another bundle of the same page may have. */
  lacksTemplate?: true
}

/** Bundles of any series: `/web/assets/…`, and `/web/content/…` up to 14. */
export const isBundle = (path: string) => /^\/web\/(?:assets|content)\//.test(path)

export const isStyleSheet = (path: string) => /\.css(?:\?|$)/.test(path)

/** Of pages up to 16, which say in a script of their own that a style sheet failed; later ones ask the style sheet. */
export const saysStyleFailed = (page: string) => page.includes('__assetsBundleErrorSeen')

/**
 * What Odoo answers in place of a script that it could not make, by `AssetsBundle` of base/models/assetsbundle.py: it serves
 * something in any case, and says inside of it what went wrong. At most ten.
 */
export function findScriptFaults(text: string): BundleFault[] {
  const faults = [...templateFaults(text), ...saidFaults(text), ...syntaxFaults(text)]
  return faults.slice(0, 10).map(({ said, file, ...more }) => ({ ...faultOf(said, file), ...more }))
}

export function faultOf(said: string, file = addressIn(said)): BundleFault {
  return { said: said.replace(/\s+/g, ' ').trim().slice(0, 200), ...(file !== undefined && { file }) }
}

/** Messages of `WebAsset.generate_error` and of what calls it name the file. */
function addressIn(said: string): string | undefined {
  const found = /\b\w{1,100}\/static\/[\w./@+-]{1,300}/.exec(said)?.[0]
  return found && `/${found.replace(/\.$/, '')}`
}

/** `generate_xml_bundle`: the part that should hold the templates throws instead. */
function templateFaults(text: string): BundleFault[] {
  const part = text.indexOf('.bundle.xml"')
  if (part < 0) return []
  const piece = text.slice(part, part + 600)
  const thrown = /\/\* [^*\n]{1,200} \*\/\s{0,200}throw new Error\((?=")/.exec(piece)
  return thrown ? [{ said: quotedAt(text, part + thrown.index + thrown[0].length) }] : []
}

/** `JavascriptAsset.generate_error`, `generate_xml_bundle`: said in the visitor's console. */
function saidFaults(text: string): BundleFault[] {
  const found: BundleFault[] = []
  for (const said of ['console.error("', 'checkPrimaryTemplateParents(["'])
    for (
      let at = text.indexOf(said);
      at >= 0 && found.length < 10;
      at = text.indexOf(said, at + said.length)
    ) {
      const what = quotedAt(text, at + said.length - 1)
      if (said.startsWith('check'))
        found.push({
          said: `Missing (primary) parent templates: ${what}`,
          lacksTemplate: true,
          ...copying(text, what),
        })
      else if (what.includes(leftOut)) continue
      else if (what.startsWith(extended))
        found.push({ said: what, lacksTemplate: true, ...extending(text, what.slice(extended.length)) })
      else if (/^['"].{1,500} in file ['"]/s.test(what)) found.push({ said: what })
    }
  return found
}

const extended = 'Missing (extension) parent templates: '

/** The first that wants to change a template of those names. */
function extending(text: string, names: string): Pick<BundleFault, 'file'> {
  const name = names.split(', ', 1)[0] ?? ''
  return registered(text, text.indexOf(`registerTemplateExtension("${name}", `))
}

function copying(text: string, name: string): Pick<BundleFault, 'file'> {
  const at = text.indexOf(`t-inherit="${name}"`)
  return registered(text, at < 0 ? -1 : text.lastIndexOf('registerTemplate("', at))
}

/** `registerTemplate("sale_x.Price", `/sale_x/static/src/price.xml`, …)` */
function registered(text: string, at: number): Pick<BundleFault, 'file'> {
  const file = at < 0 ? null : /^[^`\n]{1,400}`(\/[^`\s]{1,400})`/.exec(text.slice(at, at + 1_000))
  return file ? { file: file[1]! } : {}
}

/** The string of JSON that begins there, as far as it can be read. */
function quotedAt(text: string, at: number): string {
  const piece = text.slice(at + 1, at + 1_000)
  const end = /(?<!\\)"/.exec(piece)?.index ?? piece.length
  return piece.slice(0, end).replaceAll('\\n', ' ').replaceAll('\\"', '"').replaceAll('\\\\', '\\')
}

/** One file with a fault of syntax, and a browser runs none of the bundle. Compiled, never run. */
function syntaxFaults(text: string): BundleFault[] {
  const whole = syntaxFault(text)
  if (whole === undefined) return []
  const pieces = splitFiles(text)
  const broken = pieces.find(({ content }) => syntaxFault(content) !== undefined)
  if (!broken) return [{ said: whole }]
  return [{ said: `${broken.path}: ${syntaxFault(broken.content)}`, file: broken.path }]
}

function syntaxFault(text: string): string | undefined {
  try {
    new Script(text, { filename: 'bundle' })
    return undefined
  } catch (error) {
    if (!(error instanceof Error)) throw error
    return `${error.name}: ${error.message}`
  }
}

/** `WebAsset.with_header`: each file has its path in a comment before it. */
function splitFiles(text: string): { path: string; content: string }[] {
  const headers = [...text.matchAll(/\n\/\* (\/[^\n*]{1,500}) \*\/\n/g)]
  return headers.map((header, index) => ({
    path: header[1] ?? '',
    content: text.slice(header.index + header[0].length, headers[index + 1]?.index ?? text.length),
  }))
}

/** Odoo's module loader starts no module of which one that it needs is in no bundle of the page. `texts`: all its bundles. */
export function findMissingModules(texts: readonly string[]): BundleFault[] {
  const defined = new Map<string, string>()
  const define = /odoo\.define\(\s*["']([^"'\n]{1,300})["']\s*,(?:\s*\[([^\]]*)\])?/g
  for (const text of texts)
    for (const [, name = '', needs = ''] of text.matchAll(define)) defined.set(name, needs)
  const faults: BundleFault[] = []
  for (const [name, needs] of defined)
    for (const [, needed = ''] of needs.matchAll(/["']([^"'\n]{1,300})["']/g))
      if (!defined.has(needed) && faults.length < 10)
        faults.push(faultOf(`the module ${name} needs ${needed}, which no bundle has`, addressOf(name)))
  return faults
}

/** The other way round than `url_to_module_path` of tools/js_transpiler.py; others have a name of their own choice. */
function addressOf(module: string): string | undefined {
  const found = /^@(\w+)\/(?:\.\.\/(lib|tests)\/)?(.+)$/.exec(module)
  return found ? `/${found[1]}/static/${found[2] ?? 'src'}/${found[3]}.js` : undefined
}
