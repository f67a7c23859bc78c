import { createHmac, randomBytes } from 'node:crypto'
import { basename, extname } from 'node:path'
import { lintSource } from '@secretlint/core'
import { secretLintProfiler } from '@secretlint/profiler'
import { rules as recommended } from '@secretlint/secretlint-rule-preset-recommend'
import { fingerprintOf } from './fingerprint.ts'
import { type Judgement, judge } from './judge.ts'
import { pathPattern } from './path-pattern.ts'
import { ruleName } from './rules.ts'

/** A secret in a file; never the secret itself, nor the library's message, which quotes it. */
export interface Hit extends Judgement {
  readonly line: number
  readonly rule: string
  /** The same for the same secret within one scan, and nothing outside it. */
  readonly secret: string
  /** See fingerprint.ts; empty where there were more than asked for. */
  readonly fingerprint: string
}

// It would keep an entry for every rule and file.
secretLintProfiler.setEnabled(false)

/** All but the one that lets a comment in the file switch the others off: no repository decides that for itself. */
const rules = recommended
  .filter(({ meta }) => !meta.id.endsWith('-filter-comments'))
  .map((rule) => ({ id: rule.meta.id, rule }))
const key = randomBytes(32)

/** What is found in a text that the repository calls `path`, the first `fingerprints` of it with theirs. */
export async function lint(path: string, text: string, fingerprints: number): Promise<Hit[]> {
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
    .map(({ loc, range, ruleId, messageId }, index) => {
      const rule = ruleName(ruleId, messageId)
      const value = content.slice(...range)
      return {
        line: loc.start.line,
        rule,
        ...judge(rule, path, value),
        secret: createHmac('sha256', key).update(value).digest('base64'),
        fingerprint: index < fingerprints ? fingerprintOf(rule, path, value) : '',
      }
    })
}

/** Those of the paths that one of the patterns leaves out. */
export function leftOut(patterns: readonly string[], paths: readonly string[]): string[] {
  const expressions = patterns.map(pathPattern)
  return paths.filter((path) => expressions.some((expression) => expression.test(path)))
}
