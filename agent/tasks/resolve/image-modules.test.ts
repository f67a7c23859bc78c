import { expect, test } from 'vitest'
import type { ImageModule } from '../../containers/image-modules.ts'
import { judgeImageModules } from './image-modules.ts'

const module = (name: string, version: string, faults: ImageModule['faults'] = []): ImageModule => ({
  file: `/mnt/extra-addons/${name}/__manifest__.py`,
  depends: [],
  installable: true,
  countries: ['de'],
  excludes: [],
  version,
  writtenVersion: { text: version, isString: true },
  externalPython: [],
  externalBin: [],
  faults,
  neutralize: false,
})

function judge(modules: Record<string, ImageModule>, series: string, hidden: string[] = []) {
  const warnings: string[] = []
  const context = { warn: (text: string) => void warnings.push(text) }
  return { modules: judgeImageModules({ modules }, { hidden: new Set(hidden), series }, context), warnings }
}

test('one on which Odoo stops is the end of the image, unless the project hides it', () => {
  const modules = { tool: module('tool', '1'), nameless: module('nameless', '1.0', [nameless]) }
  expect(() => judge(modules, '19.0')).toThrow(
    /^the base image holds modules on which Odoo stops: \/mnt\/extra-addons\/tool\/__manifest__\.py has version "1": Odoo 19\.0 stops .*; \/mnt\/extra-addons\/nameless\//,
  )
  expect(judge(modules, '19.0', ['tool', 'nameless']).warnings).toEqual([])
})

const nameless = { stops: true, what: '`name` is missing' }

test('countries count by series, and nothing is judged that nobody can install', () => {
  expect(judge({ tool: module('tool', '1') }, '16.0').modules.get('tool')?.countries).toEqual([])
  expect(judge({ tool: module('tool', '1.0') }, '19.0').modules.get('tool')?.countries).toEqual(['de'])
  const old = { ...module('tool', '18.0.1.0.0'), installable: false }
  expect(judge({ tool: old }, '19.0').warnings).toEqual([])
})
