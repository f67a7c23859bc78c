import { expect, test } from 'vitest'
import { addonsAmong } from './addon-listing.ts'
import type { FoundModule, ModuleSearch } from './find-modules.ts'
import { ocaRepositories } from './oca-repositories.ts'
import { proposeLines } from './proposal.ts'

const declaring = {
  kind: 'oca-dependencies' as const,
  file: 'oca_dependencies.txt',
  pattern: 'https://github.com/OCA/{}.git',
  series: '19.0',
  declared: [],
}
const found = (module: string, name: string, more: Partial<FoundModule> = {}): FoundModule => ({
  module,
  repository: { name, url: `https://github.com/OCA/${name}.git` },
  commit: 'a'.repeat(40),
  also: [],
  neededBy: undefined,
  fault: undefined,
  ...more,
})
const search = (more: Partial<ModuleSearch>): ModuleSearch => ({
  found: [],
  absent: [],
  looked: [],
  without: [],
  unread: [],
  left: 0,
  ...more,
})

test('addons are named by their folders, and links to them are none', () => {
  const manifests = [
    'web_x',
    'addons/web_y',
    'setup/web_x/odoo/addons/web_x',
    'a/static/src/b',
    'not-a-module',
    '.x',
  ]
  const paths = [...manifests.map((folder) => `${folder}/__manifest__.py`), '__manifest__.py', 'web_z/x.py']
  expect(addonsAmong(paths)).toEqual(['addons/web_y', 'web_x'])
})

test('modules of one repository come by one line', () => {
  const both = search({ found: [found('web_x', 'web'), found('web_y', 'web', { neededBy: 'web_x' })] })
  expect(proposeLines(both, declaring)).toBe(
    'To take what is missing from other repositories, add to oca_dependencies.txt the line `web` (web at aaaaaaaaaa has web_x, web_y [needed by web_x])',
  )
})

test('Doodba wants another address in a file of its own', () => {
  const fork = { name: 'fork', url: 'https://git.example/acme/fork.git' }
  const addons = { ...declaring, kind: 'addons' as const, file: 'odoo/custom/src/addons.yaml' }
  expect(proposeLines(search({ found: [found('web_x', 'web', { repository: fork })] }), addons)).toContain(
    'the line `fork: [web_x]`, with `fork: { remotes: { origin: "https://git.example/acme/fork.git" }, merges: ["origin 19.0"] }` in the repos.yaml beside it (fork at',
  )
})

test('what nobody has is said, with how far one looked', () => {
  const nothing = search({
    absent: [{ module: 'web_x', neededBy: undefined }],
    without: ['old'],
    unread: [{ name: 'shut', why: 'it cannot be read' }],
    left: 7,
  })
  expect(proposeLines(nothing, declaring)).toBe(
    'no repository that was looked at (1) has web_x (1 could not be read, shut as it cannot be read; 7 were not looked at): check the name, or declare the repository that has it',
  )
})

test('the list of repositories has each once, by names that a folder may have', () => {
  expect(new Set(ocaRepositories).size).toBe(ocaRepositories.length)
  expect(ocaRepositories.length).toBeGreaterThan(180)
  for (const name of ocaRepositories) expect(name).toMatch(/^[a-z0-9][a-z0-9-]*$/)
})
