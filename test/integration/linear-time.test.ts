import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { openOperationCounter } from '../support/count-operations.ts'

// What strangers write is read in time that grows with its length and no faster: twice the text, twice the operations.
// Operations are counted, not time. What regular expressions do inside the engine is not among them.
const counter = openOperationCounter()
afterAll(() => counter[Symbol.dispose]())

const { closeModules } = await import('../../lib/repository/close-stages.ts')
const { parseFairwayFile } = await import('../../lib/repository/fairway-yaml.ts')
const { parseLock } = await import('../../lib/repository/lock-document.ts')
const { parseManifest } = await import('../../lib/repository/manifest.ts')
const { matchesGlob } = await import('../../lib/repository/sources/name-glob.ts')
const { parseAddonsYaml } = await import('../../lib/repository/sources/addons-yaml.ts')
const { parseOcaDependencies } = await import('../../lib/repository/sources/oca-dependencies.ts')
const { parseOdooConf } = await import('../../lib/repository/sources/odoo-conf.ts')
const { parsePackageList } = await import('../../lib/repository/sources/package-list.ts')
const { parseReposYaml } = await import('../../lib/repository/sources/repos-yaml.ts')
const { findAssets } = await import('../../agent/odoo/page-assets.ts')
const { findMissingModules, findScriptFaults } = await import('../../agent/odoo/bundle-faults.ts')
const { findStyleFault } = await import('../../agent/odoo/style-fault.ts')
const { findStylePlace } = await import('../../agent/odoo/style-place.ts')
const { parseFindings } = await import('../../agent/odoo/inspection/findings.ts')
const { createUpdateLogReader } = await import('../../agent/odoo/update-log.ts')
const { createSecretIndex } = await import('../../agent/link/secret-index.ts')
const { redactUrls } = await import('../../lib/addresses/redact-urls.ts')
const { readRequirementsBytes } = await import('../../lib/requirements/requirements-bytes.ts')
const { parsePolicy } = await import('../../server/governance/policy/parse.ts')

interface Reader {
  read(text: string): unknown
  /** What its texts are made of. */
  tokens: readonly string[]
  /** Texts that once cost the square of their length: `before` once, then `again` over and over with its number. */
  shapes: readonly (readonly [before: string, again: (index: number) => string, after: string])[]
}

const variables = new Map<string, string>()
const yamlTokens = [
  'a',
  ': ',
  ':\n',
  '\n',
  ' ',
  '  ',
  '- ',
  '{',
  '}',
  '[',
  ']',
  ',',
  '"',
  "'",
  '&a ',
  '*a',
  '? ',
  '|\n',
  '#',
  '!',
  '%',
  '---\n',
  '<<: ',
]
const yamlShapes: Reader['shapes'] = [
  ['', (index) => `k${index}: 1\n`, ''],
  ['a: {', (index) => `k${index}: 1,`, '}'],
  ['', (index) => `- &a${index} 1\n- *a${index}\n`, ''],
  ['[', () => ',', ''],
  ['', () => '"a" ', ''],
  ['', () => 'a: }\n', ''],
  ['', () => 'a: b: ', ''],
  ['x: &x {a: 1}\ny:\n  <<: [', () => '*x,', ']'],
]
const yaml = (read: (text: string) => unknown): Reader => ({ read, tokens: yamlTokens, shapes: yamlShapes })

const readers: Record<string, Reader> = {
  'fairway.yaml': yaml(parseFairwayFile),
  'repos.yaml': yaml((text) => parseReposYaml(text, 'repos.yaml', variables)),
  'addons.yaml': yaml((text) => parseAddonsYaml(text, 'addons.yaml', variables)),
  'a policy': yaml(parsePolicy),
  'oca_dependencies.txt': {
    read: (text) =>
      parseOcaDependencies(text, 'oca_dependencies.txt', {
        series: '19.0',
        pattern: 'x/{}',
        variables,
        ignore: [],
      }),
    tokens: ['a', ' ', '\n', '\r', '#', 'web', '\t', 'https://x'],
    shapes: [
      ['a', () => ' ', 'x'],
      ['', (index) => `r${index % 200}\n`, ''],
    ],
  },
  "Doodba's apt.txt": {
    read: (text) => parsePackageList(text, 'apt.txt'),
    tokens: ['a', ' ', '\n', '\r', '#', '\t'],
    shapes: [
      ['a', () => ' ', 'x'],
      ['', (index) => `p${index % 900} `, ''],
    ],
  },
  'a part of odoo.conf': {
    read: (text) => parseOdooConf(text, 'x.conf'),
    tokens: ['a', ' ', '\n', '=', ':', '[', ']', '#', ';', '\t'],
    shapes: [
      ['a', () => ' ', '='],
      ['[', () => 'a', ''],
      ['', () => '[', ']'],
    ],
  },
  'requirements.txt': {
    read: (text) => readRequirementsBytes(Buffer.from(text), 'requirements.txt'),
    tokens: [
      'a',
      ' ',
      '\n',
      '\\\n',
      '#',
      '# coding: ',
      '-r',
      '--hash=',
      '==',
      ';',
      '[',
      ']',
      '(',
      ')',
      '\t',
      '@',
    ],
    shapes: [
      ['a', () => ' ', '|'],
      ['a', () => '\t', '#\u2028'],
      ['a', () => '\\\n', ''],
      ['a', () => ' --hash=x', '|'],
      ['a[', () => ' ', ''],
      ['-r', () => ' ', '\u2028'],
    ],
  },
  'a manifest': {
    read: (text) => parseManifest(Buffer.from(text), '__manifest__.py'),
    tokens: [
      '{',
      '}',
      '[',
      ']',
      '(',
      ')',
      "'",
      '"',
      'a',
      ':',
      ',',
      ' ',
      '\n',
      '1',
      '-',
      'not ',
      '\\',
      '*',
      '#',
    ],
    shapes: [
      ['{1: [', () => '1.,', ']}'],
      ['{1: [', () => '"\'', ' 1.]}'],
      ['{', (index) => `(${index},): b"a", `, '}'],
      ["{'depends': [", (index) => `'m${index}',`, ']}'],
      ['{', (index) => `${index}: 1,`, '}'],
      ['', () => '[', ''],
      ['', () => "'", ''],
      ['', () => '\\not  a', '"'],
    ],
  },
  'what modules depend on': {
    read: closeAll,
    tokens: ['a', 'b', ' ', '\n', 'base', 'gone'],
    shapes: [
      ['m-1 gone\n', (index) => `m${index} m${index - 1}\n`, ''],
      ['m-1 base\n', (index) => `m${index} m${index - 1}\n`, ''],
      ['m-1 m0\n', (index) => `m${index} m${index - 1} m${index + 1}\n`, ''],
      ['', (index) => `m${index} gone${index}\n`, ''],
      ['', (index) => `m${index} n m${index + 1}\n`, ''],
    ],
  },
  'a lock': {
    read: (text) => parseLock(text, 'fairway.lock'),
    tokens: ['{', '}', '[', ']', '"', 'a', ':', ',', '1', '"version":2'],
    shapes: [
      ['{"version":2', (index) => `,"k${index}":1`, '}'],
      ['{"version":2,"closure":[', () => '1,', '1]}'],
    ],
  },
  'a page': {
    read: findAssets,
    tokens: ['<link ', '<script', '>', 'href', 'src', '=', '"', "'", ' ', '/a.css', 'x'],
    shapes: [
      ['', () => '<link ', ''],
      ['', () => '<link href=', ''],
      ['', () => '<script src="', ''],
      ['<link href', () => ' ', ''],
      ['', (index) => `<link href="/${index}.css">`, ''],
    ],
  },
  'a pattern of names': {
    read: (text) => matchesGlob(text, 'sale_x'),
    tokens: ['[', ']', '!', '*', '?', 'a', '-'],
    shapes: [
      ['', () => '[', ''],
      ['', () => '*', ''],
    ],
  },
  'a log of Odoo': {
    read(text) {
      const reader = createUpdateLogReader()
      reader.line(`2026-03-01 10:00:00,123 1 ERROR odoo odoo.tests.result: ${text}`)
      for (const line of text.split('\n')) reader.line(line)
      return reader.finish()
    },
    tokens: [
      '1',
      ' failed, ',
      'invalid module names, ignored: ',
      ': ',
      '\n',
      'Traceback (most recent call last):\n',
      'a',
    ],
    shapes: [
      ['', () => 'invalid module names, ignored: ', ''],
      ['', () => 'a\n', ''],
      ['Traceback (most recent call last):\nValueError: a\n', () => '\n', ''],
      [
        'Traceback (most recent call last):\nParseError: while parsing a:1\n',
        () => 'View error context:\n',
        '',
      ],
      [
        '',
        () =>
          'Traceback (most recent call last):\nA: b\n\nThe above exception was the direct cause of the following exception:\n\n',
        '',
      ],
    ],
  },
  'a bundle of scripts': {
    read: (text) => [findScriptFaults(text), findMissingModules([text])],
    tokens: [
      'console.error("',
      "' in file '",
      'odoo.define("a",[',
      '"b",',
      '])',
      '.bundle.xml"',
      '/* a */',
      'throw new Error("',
      '\n/* /a.js */\n',
      '{',
      '\\',
    ],
    shapes: [
      ['', () => 'console.error("', ''],
      ['odoo.define("a",[', (index) => `"b${index}",`, '])'],
      ['', (index) => `odoo.define("a${index}",[`, ''],
      ['', () => '\n/* /a.js */\n;', ''],
      ['.bundle.xml"', () => ' ', ''],
      ['t-inherit="b"', () => 'checkPrimaryTemplateParents(["b"]);registerTemplate("', ''],
    ],
  },
  'a style sheet': {
    read: findStyleFault,
    tokens: [
      '/* ## CSS error message ##*/',
      'css_error_message {',
      '"',
      '";',
      '\\A',
      'a',
      'x containing:',
      '    - /a.scss',
    ],
    shapes: [
      ['', () => '/* ## CSS error message ##*/', ''],
      ['/* ## CSS error message ##*/ css_error_message { "', () => '\\A', '";'],
      ['/* ## CSS error message ##*/ css_error_message { "a containing:', () => '\\A    - /a.scss', '";'],
    ],
  },
  'sources of a style sheet': {
    read(text) {
      const fault = { said: 'Invalid CSS: $a', code: 'a: b', lines: [text.length], files: [] }
      return findStylePlace(
        fault,
        [
          { file: '/x/a.scss', content: text },
          { file: '/web/b.scss', content: text },
        ],
        ['x'],
      )
    },
    tokens: ['{', '}', '#{', '/*', '*/', '//', '"', "'", '\\', '\n', '$a: ', 'a: b', '*', '/'],
    shapes: [
      ['', () => '/*', ''],
      ['/*', () => '* ', ''],
      ['', () => '"\\', ''],
      ['', () => '$a', ''],
      ['', () => ' ', ''],
      ['', () => '{\n', ''],
      ['', () => '#{\n', '{'],
    ],
  },
  'what an inspection says': {
    read: (text) => parseFindings(text.split('\n')),
    tokens: ['fairway-inspection ', '{"kind":"done"}', '\n', '{', '"', 'a'],
    shapes: [
      ['', () => 'fairway-inspection {"kind":"done"}\n', ''],
      ['fairway-inspection ', () => '{', ''],
    ],
  },
  'text that is made like a secret, and as long': {
    read(text) {
      const index = createSecretIndex()
      index.add(`${text}x`)
      return index.find(text + text, { start: true, end: true })
    },
    tokens: ['a', 'b', 'ab', ' ', '%', '\n'],
    shapes: [
      ['', () => 'a', ''],
      ['', () => 'a', 'b'],
      ['', () => 'abcabcabd', ''],
      ['', () => 'aaaaaaaaaaaaaaaaaaaaaaaab', ''],
      ['', (index) => `${index}`, ''],
    ],
  },
  'text with addresses': {
    read: redactUrls,
    tokens: ['a', '://', '@', '/', ' '],
    shapes: [
      ['', () => 'a', ''],
      ['', () => 'a://', ''],
    ],
  },
}

/** Every line a module of somebody else and what it depends on, with which it would install itself. */
function closeAll(text: string) {
  const facts = (depends: readonly string[], autoInstall?: readonly string[]) => {
    return { depends, installable: true, autoInstall, countries: [], excludes: [], optional: true }
  }
  const own = new Map(
    text.split('\n').map((line) => {
      const [name = '', ...depends] = line.split(' ').filter(Boolean)
      return [name, facts(depends, depends.slice(1))]
    }),
  )
  const sources = { own, image: new Map([['base', facts([])]]), project: new Set<string>(), searched: [] }
  return closeModules(
    [
      { mode: 'all', modules: [] },
      { mode: 'own', modules: [] },
    ],
    sources,
  )
}

const smallest = 2_000

describe.each(Object.entries(readers))('%s', (_, { read, tokens, shapes }) => {
  test.each(
    shapes.map(
      ([before, again, after]) => [before + again(0) + again(1) + after, before, again, after] as const,
    ),
  )('%j', (_name, before, again, after) => {
    requireLinear(read, (length) => textOf(before, again, after, length))
  })

  test('any text of its parts', () => {
    const part = fc
      .array(fc.constantFrom(...tokens), { minLength: 1, maxLength: 4 })
      .map((parts) => parts.join(''))
    const texts = fc.tuple(part, part, part)
    const sought = fc.property(texts, ([before, again, after]) =>
      requireLinear(read, (length) => textOf(before, () => again, after, length)),
    )
    fc.assert(sought, { numRuns: 12, seed: 9, endOnFailure: true })
  })
})

function textOf(before: string, again: (index: number) => string, after: string, length: number): string {
  const parts = [before]
  for (let size = before.length, index = 0; size < length; index++) {
    const next = again(index)
    parts.push(next)
    size += next.length
  }
  return parts.join('') + after
}

/** Twice the text costs twice the operations: half as much again is left for what a size has of its own. */
function requireLinear(read: (text: string) => unknown, text: (length: number) => string): void {
  const operations = [1, 2, 4].map((times) => costOf(read, text(times * smallest)))
  const [first = 0, , last = 0] = operations
  // Below that it is the reader's own beginnings that are seen.
  expect(last, `operations of three texts, each twice as long: ${operations.join(', ')}`).toBeLessThan(
    Math.max(6 * first, 40_000),
  )
}

function costOf(read: (text: string) => unknown, text: string): number {
  return counter.count(() => {
    try {
      read(text)
    } catch (error) {
      if (!(error instanceof Error) || !('reason' in error)) throw error
    }
  })
}
