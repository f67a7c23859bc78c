import { expect, test } from 'vitest'
import {
  chainTo,
  isPlainlyMet,
  type ModuleNeeds,
  type NeedsTold,
  pythonOfModules,
  requireMet,
  requirePrograms,
} from './module-requirements.ts'

const known = { distributions: new Set(['python-ldap', 'lxml']), imports: new Set(['ldap', 'lxml']) }
const module = (name: string, more: Partial<ModuleNeeds> = {}): ModuleNeeds => ({
  module: name,
  path: `addons/${name}`,
  depends: [],
  externalPython: [],
  externalBin: [],
  ...more,
})

const noted: string[] = []
const told: NeedsTold = { reasonOf: () => '', note: (text) => void noted.push(text) }

test('what is plainly there is known, and only kept names may be asked for', () => {
  const externalPython = ['ldap', 'ldap>=4', 'lxml', 'lxml.etree', 'vcr', 'zeep', 'Zeep>=4', 'acmeslug']
  const asked = pythonOfModules([module('a', { externalPython })], told)
  expect(asked.filter((one) => !isPlainlyMet(one, known)).map(({ text, kept }) => [text, kept])).toEqual([
    // Odoo takes a name with a version for a distribution: python-ldap would not do.
    ['ldap>=4', ''],
    ['lxml.etree', ''],
    ['vcr', 'vcrpy'],
    ['zeep', 'zeep'],
    ['Zeep>=4', 'Zeep>=4'],
    ['acmeslug', ''],
  ])
})

test.each(['-e .', 'x @ https://x.example/x.whl', 'a\nb', 'a>=1\n--no-binary=a', 'a>=1 --pre', ''])(
  '%j is refused, naming the manifest',
  (text) => {
    expect(() => pythonOfModules([module('a', { externalPython: [text] })], told)).toThrow(
      'addons/a/__manifest__.py: external_dependencies.python holds',
    )
  },
)

test.each([
  [
    'acmeslug',
    '',
    '',
    'add the package that does to requirements.txt, the line acmeslug if that is its name',
  ],
  ['lxml>=6', '5.4', '', 'but its version is 5.4: add the line lxml>=6 to requirements.txt'],
  ['ldap>=4', '', '', 'the import comes with python-ldap: write that in the manifest'],
  ['slug>=4', '', 'python-slug', 'the import comes with python-slug: write that in the manifest'],
])('%s that nobody brings is refused with what to write', (text, why, bringer, advice) => {
  const asked = pythonOfModules([module('a', { externalPython: [text] })], told)
  expect(() => requireMet([{ text, why, bringer }], asked, { ldap: 'python-ldap' }, told)).toThrow(
    expect.objectContaining({
      reason: 'python-unnamed',
      message: expect.stringMatching(`^addons/a/__manifest__.py asks for "${text}".*${advice}`),
    }),
  )
})

test('a program that is missing is named with who needs it', () => {
  const needs = [module('a', { externalBin: ['psql', 'pdftotext'] })]
  expect(() => requirePrograms(needs, ['psql', 'pdftotext'], told)).not.toThrow()
  const reasonOf = () => 'needed by shop → sale → a'
  expect(() => requirePrograms(needs, ['psql'], { ...told, reasonOf })).toThrow(
    'no program "pdftotext" (addons/a/__manifest__.py; needed by shop → sale → a): add the Debian',
  )
})

test('what is missing of many is told in part, and all of it noted', () => {
  const externalPython = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6']
  const asked = pythonOfModules([module('a', { externalPython })], told)
  const unmet = externalPython.map((text) => ({ text, why: '', bringer: '' }))
  noted.length = 0
  expect(() => requireMet(unmet, asked, {}, told)).toThrow(/"a5".*; and 1 more, all of them in the log\. No/)
  expect(noted).toHaveLength(6)
  expect(noted[5]).toBe('addons/a/__manifest__.py asks for "a6"')
  const programs = [module('a', { externalBin: externalPython })]
  expect(() => requirePrograms(programs, [], told)).toThrow('and 1 more, all of them in the log: add the')
})

test('a name with blanks around it is looked for as Odoo does', () => {
  const [asked] = pythonOfModules([module('a', { externalPython: [' ldap '] })], told)
  // `import_module(' ldap ')` finds nothing.
  expect(isPlainlyMet(asked!, known)).toBe(false)
  expect(() =>
    requireMet([{ text: ' ldap ', why: '', bringer: '' }], [asked!], { ldap: 'python-ldap' }, told),
  ).toThrow(
    'asks for " ldap ", which Odoo takes for a package of that name; the import comes with python-ldap',
  )
  const [package_] = pythonOfModules([module('a', { externalPython: [' lxml '] })], told)
  expect(isPlainlyMet(package_!, known)).toBe(true)
})

test('a chain is a shortest one, also where modules depend in circles', () => {
  const depends: Record<string, string[]> = { a: ['b', 'c'], b: ['d'], c: ['a', 'e'], d: ['e'], e: [] }
  const dependsOf = (name: string) => depends[name] ?? []
  expect(chainTo('e', ['a'], dependsOf)).toEqual(['a', 'c', 'e'])
  expect(chainTo('a', ['a'], dependsOf)).toEqual(['a'])
  expect(chainTo('x', ['a'], dependsOf)).toEqual(['x'])
})
