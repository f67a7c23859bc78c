import { expect, test } from 'vitest'
import { parseHeads } from './heads.ts'

const [a, b] = ['a'.repeat(40), 'b'.repeat(64)]

test.each([
  ['', { defaultBranch: '', heads: [] }],
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
  [`${a}\tHEAD\n${a}\trefs/remotes/x/refs/heads/main\n`, { defaultBranch: '', heads: [] }],
  [
    `ref: refs/heads/x\trefs/heads/alias\n${a}\trefs/heads/alias\n`,
    { defaultBranch: '', heads: [{ branch: 'alias', commit: a }] },
  ],
  ['warning: x\nnonsense', { defaultBranch: '', heads: [] }],
])('%j', (output, found) => {
  expect(parseHeads(output)).toEqual(found)
})
