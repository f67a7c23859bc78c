import { expect, test } from 'vitest'
import { chainTo, type ModuleNeeds, pythonOfModules, requirePrograms } from './module-requirements.ts'

const image = {
  distributions: { 'python-ldap': '3.4', lxml: '5.4' },
  imports: { ldap: 'python-ldap', lxml: 'lxml' },
}
const module = (name: string, more: Partial<ModuleNeeds> = {}): ModuleNeeds => ({
  module: name,
  path: `addons/${name}`,
  depends: [],
  externalPython: [],
  externalBin: [],
  ...more,
})

test('names of imports become the distribution that brings them, and what is there is left out', () => {
  const externalPython = ['ldap', 'ldap>=4', 'lxml', 'lxml.etree', 'num2words']
  expect(
    pythonOfModules([module('a', { externalPython })], image).map(({ text, name }) => [text, name]),
  ).toEqual([
    ['python-ldap>=4', 'python-ldap'],
    ['num2words', 'num2words'],
  ])
})

test.each(['-e .', 'x @ https://x.example/x.whl', 'a\nb', 'a>=1\n--no-binary=a', 'a>=1 --pre', ''])(
  '%j is refused, naming the manifest',
  (text) => {
    expect(() => pythonOfModules([module('a', { externalPython: [text] })], image)).toThrow(
      'addons/a/__manifest__.py: external_dependencies.python holds',
    )
  },
)

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
