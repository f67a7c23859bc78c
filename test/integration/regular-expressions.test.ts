import { globSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { relative } from 'node:path'
import { analyse } from 'scslre'
import ts from 'typescript'
import { expect, test } from 'vitest'

// Patterns that the engine would begin anew at each character of a run, or share a run among parts in every way: what
// eslint-plugin-regexp calls super-linear moves and backtracking, found without running anything. It does not see all:
// linear-time.test.ts counts what is done, and a pattern with a literal beginning that may come again in the middle
// (`/Missing: .*: (.*)$/`) is better written with indexOf.

const root = new URL('../..', import.meta.url).pathname

/** Found, and harmless: its last part takes whatever is left, so that nothing is ever tried again. */
const harmless = new Set([String.raw`/^((?:\w+:\/\/[^/]+\/?)|(?:[^/:]+:))(.*)$/s`])

/**
 * Where patterns are made while we run: of others' words in a thread with a deadline, of our own words, and by joining
 * patterns that are judged here one by one.
 */
const made = [
  'agent/neutralize/ideas/companies.ts',
  'agent/neutralize/ideas/payments.ts',
  'agent/neutralize/ideas/services.ts',
  'agent/neutralize/ideas/sign-in.ts',
  'lib/repository/secret-scan/path-pattern.ts',
  'server/services/credentials/credential-host.ts',
]

test('no pattern of ours costs the square of a text’s length', async () => {
  const files = globSync(`${root}/{lib,agent,server,cli}/**/*.ts`).filter(
    (file) => !file.endsWith('.test.ts'),
  )
  const found: string[] = []
  const makers: string[] = []
  let patterns = 0
  for (const file of files) {
    const source = ts.createSourceFile(file, await readFile(file, 'utf8'), ts.ScriptTarget.Latest, true)
    const visit = (node: ts.Node): void => {
      if (ts.isRegularExpressionLiteral(node)) {
        patterns++
        const faults = faultsOf(node.text)
        const { line } = source.getLineAndCharacterOfPosition(node.getStart())
        if (faults.length > 0 && !harmless.has(node.text))
          found.push(`${relative(root, file)}:${line + 1} ${node.text}: ${faults.join(', ')}`)
      }
      const makes = ts.isNewExpression(node) || ts.isCallExpression(node)
      if (makes && node.expression.getText() === 'RegExp') makers.push(relative(root, file))
      ts.forEachChild(node, visit)
    }
    visit(source)
  }
  expect(patterns).toBeGreaterThan(200)
  expect(found).toEqual([])
  expect([...new Set(makers)].sort()).toEqual(made)
})

test('patterns that cost it are found', () => {
  expect(faultsOf(String.raw`/(^|\s+)#.*$/`)).not.toEqual([])
  expect(faultsOf(String.raw`/^a\s*\s*$/`)).not.toEqual([])
  expect(faultsOf('/^(a+)+$/')).not.toEqual([])
  expect(faultsOf(String.raw`/[^\]]*\]/g`)).not.toEqual([])
})

function faultsOf(literal: string): string[] {
  const end = literal.lastIndexOf('/')
  const { reports } = analyse(
    { source: literal.slice(1, end), flags: literal.slice(end + 1) },
    { reportTypes: { Move: true, Self: true, Trade: true }, assumeRejectingSuffix: false },
  )
  const names = { Move: 'it is begun anew', Self: 'a part repeats itself', Trade: 'two parts share it' }
  return reports.map(({ type, character }) => `${names[type]} all along ${character.pick}`)
}
