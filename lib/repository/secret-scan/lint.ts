import { basename, extname } from 'node:path'
import { lintSource } from '@secretlint/core'
import { secretLintProfiler } from '@secretlint/profiler'
import { rules as recommended } from '@secretlint/secretlint-rule-preset-recommend'
import { type Judgement, judge } from './judge.ts'
import { pathPattern } from './path-pattern.ts'
import { ruleName } from './rules.ts'

/** A secret in a file; without the library's message, which quotes it. */
export interface Hit extends Judgement {
  readonly line: number
  readonly rule: string
  /** What was found, to be told from others and never to leave the search. */
  readonly value: string
}

// It would keep an entry for every rule and file.
secretLintProfiler.setEnabled(false)

/** All but the one that lets a comment in the file switch the others off: no repository decides that for itself. */
const rules = recommended
  .filter(({ meta }) => !meta.id.endsWith('-filter-comments'))
  .map((rule) => ({ id: rule.meta.id, rule }))

/** What is found in a text that the repository calls `path`. */
export async function lint(path: string, text: string): Promise<Hit[]> {
  const extension = extname(path)
  const { messages } = await lintSource({
    source: {
      content: text,
      contentType: 'text',
      filePath: basename(path),
      // The rule for these opens the path itself, in whatever folder this runs; a text is none of them anyway.
      ext: extension === '.p12' ? '' : extension,
    },
    options: { config: { rules }, noPhysicFilePath: true },
  })
  const content = text.startsWith('\ufeff') ? text.slice(1) : text
  return messages
    .filter(({ type }) => type === 'message')
    .map(({ loc, range, ruleId, messageId, data }) => {
      const rule = ruleName(ruleId, messageId)
      const value = foundValue(content.slice(...range), data)
      return { line: loc.start.line, rule, ...judge(rule, path, value), value }
    })
}

/** Some rules' ranges end before what they found, and may hold nothing of it: then it is what their message quotes. */
function foundValue(marked: string, data: unknown): string {
  const quoted = Object.values(data ?? {}).filter((each): each is string => typeof each === 'string')
  return quoted.every((each) => marked.includes(each)) ? marked : quoted.join('\0')
}

/** Those of the paths that one of the patterns leaves out. */
export function leftOut(patterns: readonly string[], paths: readonly string[]): string[] {
  const expressions = patterns.map(pathPattern)
  return paths.filter((path) => expressions.some((expression) => expression.test(path)))
}
