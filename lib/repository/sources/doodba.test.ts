import { describe, expect, test } from 'vitest'
import { parseAddonsYaml } from './addons-yaml.ts'
import { pathsEnabledBy, readDoodba } from './doodba.ts'
import { parseReposYaml } from './repos-yaml.ts'

const defaults = {
  series: '19.0',
  pattern: 'https://git.example/oca/{}.git',
  variables: new Map([
    ['ODOO_VERSION', '19.0'],
    ['PGDATABASE', 'prod'],
  ]),
  ignore: [],
}
const read = (repos: string | undefined, addons: string | undefined, there: string[] = []) => {
  const { variables } = defaults
  const project = readDoodba(
    {
      repos: repos === undefined ? undefined : parseReposYaml(repos, 'repos.yaml', variables),
      addons: addons === undefined ? undefined : parseAddonsYaml(addons, 'addons.yaml', variables),
    },
    defaults,
    (folder) => there.includes(folder),
  )
  return { ...project, enables: (path: string) => pathsEnabledBy(project.patterns, [path]).length > 0 }
}

const repos = `
./odoo:
  remotes: {ocb: "https://github.com/OCA/OCB.git"}
  merges: [ocb $ODOO_VERSION]
web:
  remotes: {oca: "https://git.example/web"}
  merges: [oca $ODOO_VERSION, oca refs/pull/1/head]
unused:
  remotes: {oca: "https://git.example/unused"}
  merges: [oca $ODOO_VERSION]
`

test('repositories come from both files, and core, private and what is there from nowhere', () => {
  const { declarations, warnings, notes } = read(
    repos,
    `
odoo/addons: ["*"]
private: [a_*]
web: ["*"]
server-tools:
  - module_auto_update
  - base_*
themes/inner: ["*"]
committed: ["*"]
`,
    ['committed'],
  )
  expect(declarations.map(({ folder, from, declaredIn }) => [folder, from.at(-1), declaredIn])).toEqual([
    ['web', { url: 'https://git.example/web', ref: 'refs/pull/1/head', commit: '' }, 'repos.yaml:5'],
    [
      'server-tools',
      { url: 'https://git.example/oca/server-tools.git', ref: '19.0', commit: '' },
      'addons.yaml:5',
    ],
    ['themes/inner', { url: 'https://git.example/oca/inner.git', ref: '19.0', commit: '' }, 'addons.yaml:8'],
  ])
  expect(notes).toEqual([
    'repos.yaml:2: odoo is not fetched: Odoo comes with the base image (base_image in fairway.yaml)',
  ])
  expect(warnings).toEqual(['repos.yaml:8: unused is not fetched, as addons.yaml enables nothing of it'])
})

test('documents have an environment, and hold or not', () => {
  const { declarations, enables, warnings, notes } = read(
    undefined,
    `
ENV: { DEFAULT_REPO_PATTERN: "https://git.example/acme/{}.git", ODOO_VERSION: 19.0-acme }
shop: ["*"]
---
ONLY: { PGDATABASE: [prod, staging] }
web: [web_prod]
---
ONLY:
  PGDATABASE: [devel]
web: [web_devel]
---
ONLY: { UNKNOWN: [x] }
web: [web_unknown]
`,
  )
  expect(declarations.map(({ from }) => from[0])).toEqual([
    { url: 'https://git.example/acme/shop.git', ref: '19.0-acme', commit: '' },
    { url: 'https://git.example/oca/web.git', ref: '19.0', commit: '' },
  ])
  expect(['web/web_prod', 'web/web_devel', 'web/web_unknown'].map(enables)).toEqual([true, false, false])
  // What the project itself decided is no warning.
  expect(notes).toEqual(['addons.yaml:8: this part is left out, as PGDATABASE is prod'])
  expect(warnings).toEqual([
    'addons.yaml:12: this part is left out, as UNKNOWN is not set under sources.variables in fairway.yaml',
  ])
})

test('addons are enabled by their folder and pattern; all of private where nothing else is said', () => {
  const { enables } = read(undefined, 'web: ["web_[a-c]*", "x?"]\nthemes/addons: [t]\n')
  const tried = [
    'web/web_a',
    'web/web_dd',
    'web/xy',
    'web/x',
    'web/addons/web_a',
    'themes/addons/t',
    'themes/t',
    'private/p',
  ]
  expect(tried.filter(enables)).toEqual(['web/web_a', 'web/xy', 'themes/addons/t', 'private/p'])
  expect(read(undefined, 'private: [a]').enables('private/p')).toBe(false)
})

describe('refused, with the line', () => {
  test.each([
    ['\n../x: ["*"]', 'addons.yaml:2: "../x" is no folder here'],
    ['x: "*"', /addons.yaml:1: .*write `x: \["\*"\]`/],
    ["web: -'*'", /addons.yaml:1: `web` needs a list of addons: write `web: \["\*"\]`, or each below/],
    ['web: -web_x', /write `web: \["web_x"\]`/],
    ["web:\n  -web_x\n  -'web_y'", /write `web: \["web_x", "web_y"\]`.* ` {2}- "web_x"`/],
    ['web:', /write `web: \["\*"\]`/],
    ['web: {a: b}', /write `web: \["\*"\]`/],
    ['web: *', /addons.yaml:1: .*a \* of its own stands in quotation marks, "\*"/],
    ['web:\n  - *', /addons.yaml:2: .*stands in quotation marks/],
    ['x: ["$(id)"]', /addons.yaml:1: .*names of addons are expected/],
    ['x: [a]\nONLY: x', /addons.yaml:2: /],
  ])('%s', (text, message) => {
    expect(() => read(undefined, text)).toThrow(message)
  })
})
