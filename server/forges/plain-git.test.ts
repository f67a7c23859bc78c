import { expect, test } from 'vitest'
import { parseRefs } from './plain-git.ts'

const none = '0'.repeat(40)
const [a, b] = ['a'.repeat(40), 'b'.repeat(40)]

test.each([
  [`${a} ${b} refs/heads/main\n`, [{ kind: 'push', branch: 'main', commit: b, message: '' }]],
  [`${a} ${none} refs/heads/feature/x`, [{ kind: 'delete', branch: 'feature/x' }]],
  [
    `${none} ${a} refs/tags/v1\n${none} ${a} refs/heads/refs/heads/x\n`,
    [{ kind: 'push', branch: 'refs/heads/x', commit: a, message: '' }],
  ],
  ['', [{ kind: 'ignore' }]],
  [`${none} ${a} refs/notes/x\n`, [{ kind: 'ignore' }]],
])('%j', (text, changes) => {
  expect(parseRefs(text)).toMatchObject(changes)
})

test.each([
  `${a} ${b} main\n`,
  `${a}  ${b} refs/heads/x\n`,
  `${a} ${b} refs/heads/x y\n`,
  `${a.toUpperCase()} ${b} refs/heads/x\n`,
  ` ${a} ${b} refs/heads/x\n`,
  `${a} ${b} refs/heads/x\r\n`,
])('no line of a hook: %j', (text) => {
  expect(() => parseRefs(text)).toThrow('none of a post-receive hook')
})
