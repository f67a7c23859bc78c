import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TaskError } from '../../faults/task-error.ts'
import { parseOcaDependencies } from './oca-dependencies.ts'

const defaults = {
  series: '19.0',
  pattern: 'https://git.example/oca/{}.git',
  variables: new Map(),
  ignore: [],
}
const parse = (text: string) => parseOcaDependencies(text, 'oca_dependencies.txt', defaults)
const commit = '0123456789'.repeat(4)

test('name, address, branch and commit, from the left', () => {
  const text = `# what we need
web

  server-tools\thttps://github.com/acme/server-tools.git  # ours\r
bank git@git.example:acme/bank.git 19.0-fix
sale https://git.example/sale 19.0 ${commit}
`
  expect(parse(text).map(({ folder, from, declaredIn }) => [folder, from[0], declaredIn])).toEqual([
    ['web', { url: 'https://git.example/oca/web.git', ref: '19.0', commit: '' }, 'oca_dependencies.txt:2'],
    [
      'server-tools',
      { url: 'https://github.com/acme/server-tools.git', ref: '19.0', commit: '' },
      'oca_dependencies.txt:4',
    ],
    ['bank', { url: 'git@git.example:acme/bank.git', ref: '19.0-fix', commit: '' }, 'oca_dependencies.txt:5'],
    ['sale', { url: 'https://git.example/sale', ref: '19.0', commit }, 'oca_dependencies.txt:6'],
  ])
})

test('of a name that is there twice the first holds', () => {
  expect(parse('web\nweb https://evil.test/web').map(({ from }) => from[0].url)).toEqual([
    'https://git.example/oca/web.git',
  ])
})

test.each([
  ['../web', 'oca_dependencies.txt:1: "../web" is no name of a repository'],
  ['-x', 'is no name of a repository'],
  ['web\n.git', 'oca_dependencies.txt:2: ".git" is no name'],
  ['web https://x/y 19.0 abc123', '"abc123" is no full commit id'],
  [`web https://x/y 19.0 ${commit} more`, '"more" is too much'],
  [Array.from({ length: 201 }, (_, index) => `r${index}`).join('\n'), 'more than 200'],
  ['#'.repeat(300_000), 'larger than 256 KiB'],
])('refused: %s', (text, message) => {
  expect(() => parse(text)).toThrow(message)
})

test('whatever the text: folders that are safe and lines that are there, or an error with its line', () => {
  const word = fc.oneof(
    fc.constantFrom('web', '#', '../x', 'https://x/y', '19.0', commit, '\u2028', '\ufeff', '$(id)'),
    fc.string(),
  )
  const lines = fc.array(fc.array(word, { maxLength: 6 }), { maxLength: 10 })
  fc.assert(
    fc.property(lines, fc.constantFrom('\n', '\r\n', '\r'), (words, end) => {
      const text = words.map((line) => line.join(' ')).join(end)
      try {
        const declarations = parse(text)
        expect(new Set(declarations.map(({ folder }) => folder)).size).toBe(declarations.length)
        for (const { folder, declaredIn, from } of declarations) {
          expect(folder).toMatch(/^\w[\w.+-]*$/)
          const line = text.split(/\r\n|\r|\n/)[Number(declaredIn.split(':')[1]) - 1]
          expect(line).toContain(folder)
          expect(from[0].url).not.toMatch(/\s/)
        }
      } catch (error) {
        expect(error).toBeInstanceOf(TaskError)
        expect(error).toMatchObject({ reason: 'sources-invalid' })
      }
    }),
  )
})
