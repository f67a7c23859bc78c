import { describe, expect, test } from 'vitest'
import { parseReposYaml } from './repos-yaml.ts'

const commit = '0123456789'.repeat(4)
const variables = new Map([
  ['ODOO_VERSION', '19.0'],
  ['DEPTH_MERGE', '100'],
])
const parse = (text: string) => parseReposYaml(text, 'repos.yaml', variables)

test("git-aggregator's own examples are read", () => {
  const { declarations, warnings } = parse(`
./product_attribute:
    defaults: &defaults
        depth: $DEPTH_MERGE
    remotes:
        oca: https://github.com/OCA/product-attribute.git
        acsone: git+ssh://git@github.com/acsone/product-attribute.git
    merges:
        - oca 8.0
        - oca refs/pull/105/head
        - acsone \${ODOO_VERSION}-fix
    target: acsone aggregated_branch_name
    fetch_all: true

src/connector/:
    defaults: *defaults
    remotes: { oca: "https://github.com/OCA/connector.git" }
    merges:
        - { remote: oca, ref: ${commit}, depth: false }
        -
            remote: oca
            ref: 9.0
            depth: 1000
    fetch_all: [oca]
    shell_command_after:
`)
  expect(warnings).toEqual([])
  const oca = 'https://github.com/OCA/product-attribute.git'
  expect(declarations).toEqual([
    {
      folder: 'product_attribute',
      from: [
        { url: oca, ref: '8.0', commit: '' },
        { url: oca, ref: 'refs/pull/105/head', commit: '' },
        { url: 'ssh://git@github.com/acsone/product-attribute.git', ref: '19.0-fix', commit: '' },
      ],
      declaredIn: 'repos.yaml:2',
      recursive: false,
    },
    {
      folder: 'src/connector',
      from: [
        { url: 'https://github.com/OCA/connector.git', ref: '', commit },
        { url: 'https://github.com/OCA/connector.git', ref: '9.0', commit: '' },
      ],
      declaredIn: 'repos.yaml:15',
      recursive: false,
    },
  ])
})

test('Odoo itself is left out; what would change it is said', () => {
  const found = parse(`
./odoo:
  remotes: {ocb: "https://github.com/OCA/OCB.git", me: "https://github.com/me/odoo"}
  merges: [ocb $ODOO_VERSION]
core:
  remotes: {ocb: "https://github.com/OCA/OCB.git"}
  merges: [ocb 19.0, ocb refs/pull/7/head, {remote: ocb, ref: fix}]
ocb:
  shell_command_after: git am x
`)
  expect(found.declarations).toEqual([])
  expect(found.folders).toEqual(['odoo', 'core', 'ocb'])
  expect(found.warnings).toEqual([])
  const comes = 'is not fetched: Odoo comes with the base image (base_image in fairway.yaml)'
  expect(found.notes).toEqual([
    `repos.yaml:2: odoo ${comes}`,
    `repos.yaml:5: core ${comes}`,
    `repos.yaml:8: ocb ${comes}`,
  ])
  const what = 'not in Odoo, which comes with the base image'
  const todo = 'make an image that has them and name it under base_image in fairway.yaml'
  expect(found.odooChanges).toEqual([
    {
      folder: 'core',
      warning: `repos.yaml:5: ${what}: ocb refs/pull/7/head, ocb fix; ${todo}, then write \`sources: { ignore: ["core"] }\` there`,
    },
    {
      folder: 'ocb',
      warning: `repos.yaml:8: ${what}: what shell_command_after does; ${todo}, then write \`sources: { ignore: ["ocb"] }\` there`,
    },
  ])
})

test.each(['', '# nothing\n', '---\n'])('a file without repositories: %j', (text) => {
  expect(parse(text).declarations).toEqual([])
})

describe('refused, with the line', () => {
  const repository = (rest: string) =>
    `# first\nx:\n  remotes: {o: "https://x/y"}\n  merges: [o 19.0]\n${rest}\n`
  test.each([
    [repository('  shell_command_after: id'), 'repos.yaml:2: `shell_command_after` is refused'],
    [repository('  shell_command_after: [id]'), '`shell_command_after` is refused'],
    [repository('  run: id'), /repos.yaml:2: .*run/],
    ['x:\n  merges: [o 1]', /repos.yaml:1: `remotes`/],
    ['x:\n  remotes: {o: "https://x/y"}\n  merges: [p 1]', 'the remote p, which'],
    ['x:\n  remotes: {o: "https://x/y"}\n  merges: [__proto__ 1]', 'the remote __proto__, which'],
    ['x:\n  remotes: {o: "https://x/y"}\n  merges: []', 'at least one is expected'],
    ['x:\n  remotes: {o: "https://x/y"}\n  merges: [o]', '`remote ref` is expected'],
    ['x:\n  remotes: {o: }\n  merges: [o 1]', 'a remote has no address'],
    ['x: 5', 'repos.yaml:1: '],
    ['- x', 'a map of folders is expected'],
    ['../x:\n  a: b', '"../x" is no folder below this file'],
    ['/opt/x:\n  a: b', '"/opt/x" is no folder below this file'],
    ['.git:\n  a: b', '".git" is no folder below this file'],
    [`${repository('')}./x:\n  remotes: {o: a}\n  merges: [o 1]`, 'x is declared a second time'],
    ['x: {\n', /^repos.yaml:\d: /],
    ['x:\n  remotes: {o: "$HOME/x"}\n  merges: [o 1]', 'repos.yaml:1: `$HOME` is not known here'],
    [`a: &a [${'x,'.repeat(100)}]\nb: &b [${'*a,'.repeat(100)}]\nc: [${'*b,'.repeat(100)}]`, 'alias'],
    ['a: &a [*a]', 'circular'],
  ])('%s', (text, message) => {
    expect(() => parse(text)).toThrow(message)
  })
})

test('more repositories than are fetched are refused, whatever their number', () => {
  const keys = Array.from({ length: 5_000 }, (_, index) => `k${index}: {remotes: {o: a}, merges: [o 1]}`)
  expect(() => parse(keys.join('\n'))).toThrow('more than 200 repositories')
})
