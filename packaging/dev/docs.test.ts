import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { nouns, plainVerbs } from '../../cli/nouns.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const documents = ['README.md', 'CONTRIBUTING.md', ...globSync('docs/**/*.md', { cwd: root })]

/** `server/app.ts`, `agent/{link,tasks}/`: what stands in backticks and begins with a folder of ours. */
const named = (text: string) =>
  [...text.matchAll(/`((?:lib|server|agent|cli|proto|migrations|packaging|test|docs)\/[^`\s]*)`/g)].map(
    ([, path = '']) => path,
  )

test.each(documents)('%s names files that there are', (document) => {
  const paths = named(readFileSync(`${root}${document}`, 'utf8'))
  const missing = paths.filter((path) => {
    const pattern = path.replaceAll(/<\w+>/g, '*').replace('NNNN-name', '*').replace(/\/$/, '')
    return globSync(pattern, { cwd: root }).length === 0
  })
  expect(missing).toEqual([])
})

test('README.md lists every command', () => {
  const table = readFileSync(`${root}README.md`, 'utf8').split('## Commands')[1]?.split('\n## ')[0] ?? ''
  const words = new Set(table.match(/[a-z-]+/g))
  const commands = Object.entries(nouns).flatMap(([noun, { verbs }]) => [noun, ...Object.keys(verbs)])
  expect([...commands, ...Object.keys(plainVerbs)].filter((word) => !words.has(word))).toEqual([])
})

test('each "cannot" of the threat model names code and a test', () => {
  const text = readFileSync(`${root}docs/threat-model.md`, 'utf8')
  const rows = text
    .split('\n')
    .filter((line) => /^\| [^|-]/.test(line) && !/because of \| tried by/.test(line))
  expect(rows.length).toBeGreaterThan(30)
  const lacking = rows.filter((row) => {
    const [, , code = '', tests = ''] = row.split(/(?<!\\)\|/)
    return named(code).length === 0 || !/\.test\.ts`/.test(tests)
  })
  expect(lacking).toEqual([])
})
