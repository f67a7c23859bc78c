import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CellStage, InstallMode } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { TaskError } from '../faults/task-error.ts'
import { parseFairwayFile, toProjectConfig } from './fairway-yaml.ts'
import { renderFairwayJsonSchema } from './json-schema.ts'

const defaults = { odooVersion: '19.0', baseImage: 'registry/odoo:19.0' }
const parse = (text?: string) => toProjectConfig(parseFairwayFile(text), defaults)

test('a repository without the file gets every default', () => {
  const config = parse()
  expect(config).toMatchObject({ odooVersion: '19.0', baseImage: 'registry/odoo:19.0', addonsPaths: [] })
  expect(config.development).toMatchObject({
    installMode: InstallMode.OWN,
    demo: true,
    testTags: '',
    workers: 0,
  })
  expect(config.staging).toMatchObject({ demo: false, testTags: 'none', workers: 0 })
  expect(config.production).toMatchObject({ demo: false, testTags: 'none', workers: 2 })
  expect(config.production?.resources).toMatchObject({ memoryBytes: 2n * 1024n ** 3n, milliCpus: 2000 })
  expect(parse('# nothing yet\n')).toEqual(config)
})

test('where addons of others come from', () => {
  expect(parseFairwayFile().sources).toEqual({
    oca: 'https://github.com/OCA/{}.git',
    variables: {},
    exclude: [],
    index: { days: 7 },
    ignore: [],
  })
  const text =
    'sources:\n  oca: https://git.example/oca/{}\n  variables: {PGDATABASE: prod}\n  exclude: [web/web_*]\n  index: false\n  ignore: [odoo/custom/conf.d]\n'
  expect(parseFairwayFile(text).sources).toEqual({
    oca: 'https://git.example/oca/{}',
    variables: { PGDATABASE: 'prod' },
    exclude: ['web/web_*'],
    index: false,
    ignore: ['odoo/custom/conf.d'],
  })
  expect(() => parse('sources:\n  oca: https://git.example/oca\n')).toThrow(
    'fairway.yaml:2:8: `sources.oca`: an address',
  )
  expect(() => parse('sources:\n  variable: {}\n')).toThrow(
    'unknown key `variable`, did you mean `variables`?',
  )
  expect(
    parseFairwayFile('sources: { index: { repositories: [web, "git@git.example:x"] } }').sources.index,
  ).toEqual({
    repositories: ['web', 'git@git.example:x'],
    days: 7,
  })
  expect(() => parse('sources: { index: true }')).toThrow('`sources.index`: ')
  expect(() => parse('sources:\n  exclude: [web_x]\n')).toThrow('repository/addon is expected')
})

test('packages are named, and where they come from without a password', () => {
  const config = parse(
    'apt: [poppler-utils, ghostscript, ghostscript]\npython: { index: "https://pypi.example/simple" }',
  )
  expect(config).toMatchObject({
    apt: ['ghostscript', 'poppler-utils'],
    pythonIndex: 'https://pypi.example/simple',
  })
  expect(parse()).toMatchObject({ apt: [], pythonIndex: '' })
  for (const text of ['apt: [-o=x]', 'apt: ["a b"]', 'apt: ["a=1"]', 'apt: ["a;id"]', 'apt: ["wget-"]'])
    expect(() => parse(text)).toThrow('the name of a Debian package')
  for (const index of [
    'https://ana:secret@pypi.example/',
    'file:///x',
    '--extra',
    'https://pypi.example/?a=b',
  ])
    expect(() => parse(`python: { index: "${index}" }`)).toThrow('without a user')
  expect(() => parse('python: { indx: x }')).toThrow('did you mean `index`?')
})

test('what the file says is taken', () => {
  const config = parse(`
odoo: 18.0
base_image: registry.example:5000/odoo@sha256:abc
addons_paths: [./addons/, custom]
branches:
  main: production
  release/*: staging
staging:
  modules: [sale_x, crm]
  tests: /sale_x,-/sale_x:TestSlow.test_a
  memory: 512M
  cpus: 1.5
  smoke:
    - { path: /shop, contains: Cart }
known_log:
  - { logger: odoo.addons.sentry.hooks, begins: SENTRY_DSN is not set }
`)
  expect(config).toMatchObject({
    odooVersion: '18.0',
    baseImage: 'registry.example:5000/odoo@sha256:abc',
    addonsPaths: ['addons', 'custom'],
    branches: [
      { pattern: 'main', stage: CellStage.PRODUCTION },
      { pattern: 'release/*', stage: CellStage.STAGING },
    ],
    knownLog: [{ logger: 'odoo.addons.sentry.hooks', begins: 'SENTRY_DSN is not set' }],
    staging: {
      installMode: InstallMode.LIST,
      modules: ['sale_x', 'crm'],
      testTags: '/sale_x,-/sale_x:TestSlow.test_a',
      smoke: [{ path: '/shop', status: 200, contains: 'Cart' }],
      resources: { memoryBytes: 512n * 1024n ** 2n, milliCpus: 1500, maxProcesses: 512 },
    },
  })
})

describe('variables', () => {
  const variablesIn = (text: string) => {
    const { production, staging, development } = parse(text)
    return [production, staging, development].map((stage) => stage?.variables)
  }

  test('say the stage where nothing else is said', () => {
    expect(variablesIn('')).toEqual([
      { ODOO_STAGE: 'production', RUNNING_ENV: 'production' },
      { ODOO_STAGE: 'staging', RUNNING_ENV: 'staging' },
      { ODOO_STAGE: 'dev', RUNNING_ENV: 'dev' },
    ])
  })

  test('are those of all stages, then of the stage, as text', () => {
    const text = `
environment:
  all: { SMTP_HOST: smtp.example, LIMIT: 20, RUNNING_ENV: test, ODOO_STAGE: test }
  production: { RUNNING_ENV: prod, SEND_MAIL: true }
  development: { SMTP_HOST: "" }
`
    const all = { LIMIT: '20', ODOO_STAGE: 'test', RUNNING_ENV: 'test', SMTP_HOST: 'smtp.example' }
    expect(variablesIn(text)).toEqual([
      { ...all, RUNNING_ENV: 'prod', SEND_MAIL: 'true' },
      all,
      { ...all, SMTP_HOST: '' },
    ])
  })

  test.each([
    [
      'environment: {all: {PATH: /tmp}}',
      '1:27: `environment.all.PATH`: The name PATH is kept for the container',
    ],
    ['environment: {all: {LD_PRELOAD: x}}', 'Names that begin with LD_ are kept'],
    ['environment: {production: {PGHOST: x}}', 'Names that begin with PG are kept'],
    ['environment: {staging: {PYTHONPATH: x}}', 'Names that begin with PYTHON are kept'],
    ['environment: {all: {FAIRWAY_X: x}}', 'Names that begin with FAIRWAY_ are kept'],
    ['environment: {all: {ODOO_RC: x}}', 'Names that begin with ODOO_ are kept'],
    ['environment: {all: {smtp_host: x}}', 'a name in capital letters'],
    ['environment: {all: {RATE: 1.10}}', 'put anything else in quotes'],
    ['environment: {all: {LIST: [a]}}', 'put anything else in quotes'],
    [
      'environment: {RUNNING_ENV: prod}',
      'unknown key `RUNNING_ENV`, known are: all, production, staging, development',
    ],
  ])('that nobody may set are refused: %s', (text, message) => {
    expect(() => parse(text)).toThrow(message)
  })
})

describe('a fault is named with its place and a hint', () => {
  test.each([
    ['stagging:\n  demo: true\n', 'fairway.yaml:1:1: unknown key `stagging`, did you mean `staging`?'],
    [
      'staging:\n  demo: true\n  meory: 1G\n',
      'fairway.yaml:3:3: unknown key `meory`, did you mean `memory`?',
    ],
    ['staging:\n  demo: yes please\n', 'fairway.yaml:2:9: `staging.demo`:'],
    ['staging:\n  memory: lots\n', 'fairway.yaml:2:11: `staging.memory`:'],
    ['staging:\n  memory: 1M\n', 'between 128M and 1T'],
    ['staging:\n  modules: ["--load=x"]\n', 'fairway.yaml:2:13: `staging.modules.0`:'],
    ['addons_paths: [../x]\n', 'without a leading / or ..'],
    ['branches: {main: prod}\n', '1:18: `branches.main`:'],
    ['a: [\n', 'fairway.yaml:2:1:'],
    ['odoo: "19.0"\nodoo: "18.0"\n', 'fairway.yaml:2:1: Map keys must be unique'],
    ['- a\n', 'fairway.yaml:1:1:'],
    ['staging: {tests: "x; rm -rf /"}\n', '--test-tags'],
    ['staging: {smoke: [{path: "http://evil"}]}\n', 'a path such as /shop'],
    ['staging: {smoke: [{pth: /}]}\n', 'did you mean `path`?'],
    ['known_log: [{loger: odoo.x, begins: something}]\n', 'did you mean `logger`?'],
    ['known_log: [{logger: odoo.x, begins: ""}]\n', 'at least 8 characters'],
    ['known_log: [odoo.addons.sentry.hooks: SENTRY_DSN is not set]\n', 'unknown key'],
  ])('case %#', (text, message) => {
    expect(() => parse(text)).toThrow(message)
  })
})

test('a bomb of aliases is refused', () => {
  const levels = Array.from(
    { length: 12 },
    (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(', ')}]`,
  )
  expect(() => parse(`a0: &a0 [x]\n${levels.join('\n')}\n`)).toThrow(/^fairway\.yaml:1:1: .*alias/)
})

test('of many faults the first are named and the others counted', () => {
  const keys = Array.from({ length: 4_000 }, (_, index) => `k${index}: x`)
  expect(() => parse(keys.join('\n'))).toThrow(/unknown key `k4`.*; and 3995 more$/)
  expect(() => parse('a: }\n'.repeat(4_000))).toThrow(/; and \d+ more$/)
})

test('any text is read or refused', () => {
  const piece = fc.constantFrom(
    'staging',
    ':',
    ' ',
    '\n',
    '  ',
    '- ',
    '{',
    '}',
    '[',
    ']',
    '&a',
    '*a',
    '!!js/function',
    '"',
    '1G',
    '? ',
    '|',
    'smoke',
    '%',
  )
  const text = fc.oneof(
    fc.string(),
    fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join('')),
  )
  fc.assert(
    fc.property(text, (given) => {
      try {
        parse(given)
      } catch (error) {
        expect(error).toBeInstanceOf(TaskError)
      }
    }),
    { numRuns: 500 },
  )
})

test('the published schema is up to date (npm run gen writes it)', async () => {
  const published = await readFile(new URL('../../docs/fairway.schema.json', import.meta.url), 'utf8')
  expect(published).toBe(renderFairwayJsonSchema())
})
