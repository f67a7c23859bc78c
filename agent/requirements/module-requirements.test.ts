import { expect, test } from 'vitest'
import {
  chainTo,
  isPlainlyMet,
  type ModuleNeeds,
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

test('what is plainly there is known, and only kept names may be asked for', () => {
  const externalPython = ['ldap', 'ldap>=4', 'lxml', 'lxml.etree', 'vcr', 'zeep', 'Zeep>=4', 'acmeslug']
  const asked = pythonOfModules([module('a', { externalPython })])
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
    expect(() => pythonOfModules([module('a', { externalPython: [text] })])).toThrow(
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
  const asked = pythonOfModules([module('a', { externalPython: [text] })])
  expect(() => requireMet([{ text, why, bringer }], asked, { ldap: 'python-ldap' })).toThrow(
    expect.objectContaining({
      reason: 'python-unnamed',
      message: expect.stringMatching(`^addons/a/__manifest__.py asks for "${text}".*${advice}`),
    }),
  )
})

test('a program that is missing is named with who needs it', () => {
  const needs = [module('a', { externalBin: ['psql', 'pdftotext'] })]
  expect(() => requirePrograms(needs, ['psql', 'pdftotext'], () => [])).not.toThrow()
  expect(() => requirePrograms(needs, ['psql'], () => ['shop', 'sale', 'a'])).toThrow(
    'no program "pdftotext" (addons/a/__manifest__.py; needed by shop → sale → a): add the Debian package',
  )
})

test('a chain is a shortest one, also where modules depend in circles', () => {
  const depends: Record<string, string[]> = { a: ['b', 'c'], b: ['d'], c: ['a', 'e'], d: ['e'], e: [] }
  const dependsOf = (name: string) => depends[name] ?? []
  expect(chainTo('e', ['a'], dependsOf)).toEqual(['a', 'c', 'e'])
  expect(chainTo('a', ['a'], dependsOf)).toEqual(['a'])
  expect(chainTo('x', ['a'], dependsOf)).toEqual(['x'])
})
