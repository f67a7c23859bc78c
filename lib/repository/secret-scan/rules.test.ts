import { readFile } from 'node:fs/promises'
import { rules as recommended } from '@secretlint/secretlint-rule-preset-recommend'
import { expect, test } from 'vitest'
import { parseFairwayFile } from '../fairway-yaml.ts'
import { ruleName, severities, severityOf } from './rules.ts'

test('the severities are of rules that there are, and are published as they are', async () => {
  const known = recommended.flatMap(({ meta, messages }) =>
    Object.keys(messages).map((messageId) => ruleName(meta.id, messageId)),
  )
  expect(known).toContain('aws/AWSSecretAccessKey')
  expect(Object.keys(severities).filter((rule) => !known.includes(rule))).toEqual([])
  const page = await readFile(new URL('../../../docs/secret-scan.md', import.meta.url), 'utf8')
  for (const [rule, severity] of Object.entries(severities)) {
    const row = page.split('\n').find((line) => line.startsWith(`| ${severity} |`)) ?? ''
    const group = `${rule.split('/')[0]}/*`
    expect(row.includes(`\`${rule}\``) || row.includes(`\`${group}\``), rule).toBe(true)
  }
  expect(severityOf('npm/NPM_ACCESS_TOKEN')).toBe('high')
  expect(severityOf('of-tomorrow/TOKEN')).toBe('high')
})

test('fairway.yaml names paths to leave out, and nothing but paths', () => {
  const ignored = (text: string) => parseFairwayFile(text).secret_scan.ignore
  const paths = [
    'tests/data/**',
    '**/*.pem',
    '*',
    '**',
    '.env.example',
    'docs/a b (1)?.md'.replace(' (1)', ''),
  ]
  expect(ignored(`secret_scan: { ignore: ${JSON.stringify(paths)} }`)).toEqual(paths)
  expect(ignored('')).toEqual([])
  for (const bad of [
    '["/etc/passwd"]',
    '["(a+)+$"]',
    '["a{1,2}"]',
    '[""]',
    '"*"',
    `["${'a'.repeat(201)}"]`,
  ]) {
    expect(() => ignored(`secret_scan: { ignore: ${bad} }`), bad).toThrow(/fairway\.yaml:1:/)
  }
  expect(() => ignored('secret_scan: { block: never }')).toThrow(/unknown key `block`/)
})
