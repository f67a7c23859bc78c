import { expect, test } from 'vitest'
import { type ImageModule, readImageModules } from '../repository/image-modules.ts'
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
  unread: '',
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

test('what is not read here, and not passed over by Odoo, is refused as well', () => {
  const large = { ...module('tool', ''), unread: '/mnt/tool/__manifest__.py: larger than 4 MiB' }
  expect(() => judge({ tool: large }, '19.0')).toThrow(
    /^the base image holds modules that are not read here.*: \/mnt\/tool/,
  )
  expect(judge({ tool: large }, '19.0', ['tool']).warnings).not.toContain('tool')
})

test('of an image, only what Odoo itself passes over is', async () => {
  const file = (name: string, text: string) => ({
    module: name,
    file: `/mnt/${name}/__manifest__.py`,
    content: Buffer.from(text).toString('base64'),
    neutralize: false,
  })
  const files = [
    file('fine', "{'name': 'x'}"),
    file('broken', '{'),
    file('tuple', "{'name': 'x'},"),
    file('long', `{'name': 'x', 'x': [${'1,'.repeat(50_001)}]}`),
    file('own-mod', "{'name': 'x'}"),
  ]
  const unread = async (series: string) =>
    Object.entries(await readImageModules(files, series, AbortSignal.timeout(60_000))).map(([name, its]) => [
      name,
      its.unread.replace(/^.*__manifest__.py/, ''),
    ])
  const same = [
    ['fine', ''],
    ['tuple', ': a manifest is one dictionary, and no comma is behind it'],
    ['long', expect.stringMatching(/: more than 50000 values$/)],
  ]
  expect(await unread('19.0')).toEqual([
    ...same,
    ['own-mod', expect.stringContaining('"own-mod" is no module name')],
  ])
  expect(await unread('18.0')).toEqual([...same, ['own-mod', '']])
})
