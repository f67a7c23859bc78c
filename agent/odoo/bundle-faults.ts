import { Script } from 'node:vm'
import { leftOut } from './harmless.ts'

/**
 * What Odoo answers in place of a bundle that it could not make, by `AssetsBundle` of base/models/assetsbundle.py: it
 * serves something in any case, and says inside of it what went wrong. One line a fault, at most ten.
 */
export function findBundleFaults(path: string, text: string): string[] {
  const faults = isStyleSheet(path) ? styleFaults(text) : scriptFaults(text)
  return faults.slice(0, 10).map((fault) => fault.replace(/\s+/g, ' ').trim().slice(0, 200))
}

/** Bundles of any series: `/web/assets/…`, and `/web/content/…` up to 14. */
export const isBundle = (path: string) => /^\/web\/(?:assets|content)\//.test(path)

const isStyleSheet = (path: string) => /\.css(?:\?|$)/.test(path)

/** Of pages up to 16, which say in a script of their own that a style sheet failed; later ones ask the style sheet. */
export const saysStyleFailed = (page: string) => page.includes('__assetsBundleErrorSeen')

const styleMark = '/* ## CSS error message ##*/'

/** `AssetsBundle.css`: what was last served, and the error as a rule that nothing matches. */
function styleFaults(text: string): string[] {
  const mark = text.indexOf(styleMark)
  if (mark < 0) return []
  const rule = text.indexOf('css_error_message {', mark)
  const from = rule < 0 ? -1 : text.indexOf('"', rule)
  if (from < 0) return ['Odoo says that it could not be compiled']
  const end = text.indexOf('";', from + 1)
  const said = text.slice(from + 1, Math.min(end < 0 ? text.length : end, from + 2_000))
  const lines = said.replaceAll('\\A', '\n').replaceAll('\\"', '"').replaceAll('\\*', '*').split('\n')
  // What follows counts the lines of all files together, and names them all.
  const source = lines.find((line) => line.startsWith('>> ') && !line.includes('/*!'))
  return [`${lines[0]} ${source ?? ''}`]
}

function scriptFaults(text: string): string[] {
  return [...templateFaults(text), ...saidFaults(text), ...syntaxFaults(text)]
}

/** `generate_xml_bundle`: the part that should hold the templates throws instead. */
function templateFaults(text: string): string[] {
  const part = text.indexOf('.bundle.xml"')
  if (part < 0) return []
  const piece = text.slice(part, part + 600)
  const thrown = /\/\* [^*\n]{1,200} \*\/\s{0,200}throw new Error\((?=")/.exec(piece)
  return thrown ? [quotedAt(text, part + thrown.index + thrown[0].length)] : []
}

/** `JavascriptAsset.generate_error`, `generate_xml_bundle`: said in the visitor's console. */
function saidFaults(text: string): string[] {
  const found: string[] = []
  for (const said of ['console.error("', 'checkPrimaryTemplateParents(["'])
    for (
      let at = text.indexOf(said);
      at >= 0 && found.length < 10;
      at = text.indexOf(said, at + said.length)
    ) {
      const what = quotedAt(text, at + said.length - 1)
      if (said.startsWith('check')) found.push(`Missing (primary) parent templates: ${what}`)
      else if (what.includes(leftOut)) continue
      else if (/^Missing \(extension\) parent templates: |^['"].{1,500} in file ['"]/s.test(what))
        found.push(what)
    }
  return found
}

/** The string of JSON that begins there, as far as it can be read. */
function quotedAt(text: string, at: number): string {
  const piece = text.slice(at + 1, at + 1_000)
  const end = /(?<!\\)"/.exec(piece)?.index ?? piece.length
  return piece.slice(0, end).replaceAll('\\n', ' ').replaceAll('\\"', '"').replaceAll('\\\\', '\\')
}

/** One file with a fault of syntax, and a browser runs none of the bundle. Compiled, never run. */
function syntaxFaults(text: string): string[] {
  const whole = syntaxFault(text)
  if (whole === undefined) return []
  const pieces = splitFiles(text)
  const broken = pieces.find(({ content }) => syntaxFault(content) !== undefined)
  return broken ? [`${broken.path}: ${syntaxFault(broken.content)}`] : [whole]
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
export function findMissingModules(texts: readonly string[]): string[] {
  const defined = new Map<string, string>()
  const define = /odoo\.define\(\s*["']([^"'\n]{1,300})["']\s*,(?:\s*\[([^\]]*)\])?/g
  for (const text of texts)
    for (const [, name = '', needs = ''] of text.matchAll(define)) defined.set(name, needs)
  const faults: string[] = []
  for (const [name, needs] of defined)
    for (const [, needed = ''] of needs.matchAll(/["']([^"'\n]{1,300})["']/g))
      if (!defined.has(needed) && faults.length < 10)
        faults.push(`the module ${name} needs ${needed}, which no bundle has`)
  return faults
}
