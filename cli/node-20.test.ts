import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

// The command line, and what it shares, runs under Node 20, which types and tests, under Node 24, do not show.

const root = fileURLToPath(new URL('../', import.meta.url))
const files = globSync('{cli,lib}/**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.test.ts'))

const iterating = 'map|filter|flatMap|some|every|find|reduce|take|drop|toArray|forEach'
const newer: readonly (readonly [since: string, what: RegExp])[] = [
  ['21', /\b(Object|Map)\.groupBy\b/],
  ['22', /\bURL\.parse\b|\bPromise\.(withResolvers|try)\b|\bArray\.fromAsync\b/],
  [
    '22',
    /(?<!\bz\s*)\.(union|intersection|difference|symmetricDifference|isSubsetOf|isSupersetOf|isDisjointFrom)\(/,
  ],
  [
    '22',
    new RegExp(
      `\\.(values|keys|entries)\\(\\)\\s*\\.(${iterating})\\(|matchAll\\([^()]*\\)\\s*\\.(${iterating})\\(`,
    ),
  ],
  ['22', /\bglob(Sync)?\(|\bfindPackageJSON\b|\bimport\.meta\.main\b|\bnode:sqlite\b|import \{[^}]*Zstd/],
  ['24', /\bRegExp\.escape\b|\bError\.isError\b|\bUint8Array\.from(Hex|Base64)\b|\.to(Hex|Base64)\(\)/],
]

test.each(files)('%s', (file) => {
  // Comments may say what is not used.
  const code = readFileSync(root + file, 'utf8').replaceAll(/\/\*\*?[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  expect(newer.filter(([, what]) => what.test(code)).map(([since]) => `it needs Node ${since}`)).toEqual([])
})

test('what is newer is found', () => {
  for (const code of [
    'URL.parse(x)',
    'a.entries().map(b)',
    'text.matchAll(/x/g).toArray()',
    'Map.groupBy(a, b)',
  ])
    expect(
      newer.some(([, what]) => what.test(code)),
      code,
    ).toBe(true)
})
