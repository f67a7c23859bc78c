import { describe, expect, test } from 'vitest'
import { parseChanges } from './history.ts'

describe('a list of changes', () => {
  const [c1, c2] = ['1'.repeat(40), '2'.repeat(40)]
  const [a, b] = ['a'.repeat(40), 'b'.repeat(40)]
  const change = (mode: string, id: string) => `:000000 ${mode} ${'0'.repeat(40)} ${id} A`

  test('gives each version of a file once, by the commit that first brought it', () => {
    const output = [c1, change('100644', a), 'x', c2, change('100755', b), c1, change('100644', a), 'y', '']
    expect(parseChanges(output.join('\0'))).toEqual([
      { id: a, path: 'x', commit: c1 },
      { id: b, path: c1, commit: c2 },
    ])
  })

  test('gives no links and no submodules, and nothing of a commit whose beginning is lost', () => {
    const output = ['lost', change('100644', a), 'x', c1, change('120000', a), 'l', change('160000', b), 's']
    expect(parseChanges(output.join('\0'))).toEqual([])
  })
})
