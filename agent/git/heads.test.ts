import { expect, test } from 'vitest'
import { parseHeads } from './heads.ts'

const [a, b] = ['a'.repeat(40), 'b'.repeat(64)]

test.each([
  ['', {}],
  [
    `ref: refs/heads/main\tHEAD\n${a}\tHEAD\n${a}\trefs/heads/main\n${b}\trefs/heads/feature/x\n`,
    {
      defaultBranch: 'main',
      heads: [
        { branch: 'main', commit: a },
        { branch: 'feature/x', commit: b },
      ],
    },
  ],
  // A detached HEAD, and refs that merely end so.
  [`${a}\tHEAD\n${a}\trefs/remotes/x/refs/heads/main\n`, {}],
  [
    `ref: refs/heads/x\trefs/heads/alias\n${a}\trefs/heads/alias\n`,
    { heads: [{ branch: 'alias', commit: a }] },
  ],
  ['warning: x\nnonsense', {}],
])('%j', (output, found) => {
  expect(parseHeads(output)).toEqual({ defaultBranch: '', heads: [], passedOver: 0, ...found })
})

test('names that are no text, or longer than any that is built, are counted and not told', () => {
  const bytes = Buffer.from([0xff, 0xfe, 0xc3]).toString()
  const names = [bytes, `x${bytes}y`, 'x'.repeat(241), 'bell\u0007', '']
  const lines = ['x'.repeat(240), 'größe/日本', ...names].map((name) => `${a}\trefs/heads/${name}\n`)
  const found = parseHeads(`ref: refs/heads/${bytes}\tHEAD\n${lines.join('')}`)
  expect(found.heads.map(({ branch }) => branch)).toEqual(['x'.repeat(240), 'größe/日本'])
  expect(found).toMatchObject({ defaultBranch: '', passedOver: names.length })
})
