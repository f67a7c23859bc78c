import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parseConfig as parseAgent } from '../../agent/config.ts'
import { readSettings } from '../../cli/settings.ts'
import { parseConfig as parseServer } from '../../server/config.ts'

const page = readFileSync(fileURLToPath(new URL('../../docs/configuration.md', import.meta.url)), 'utf8')

/** Every variable in the first column of the section's table. */
function listed(section: string): string[] {
  const text = page.split(`\n## ${section}\n`)[1]?.split('\n## ')[0] ?? ''
  const cells = [...text.matchAll(/^\| (`[^|]+) \|/gm)].map(([, cell = '']) => cell)
  return cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name)).toSorted()
}

/** What is asked of an environment in which nothing is set. */
function readBy(parse: (environment: Record<string, string | undefined>) => unknown): string[] {
  const names = new Set<string>()
  const environment = new Proxy<Record<string, string | undefined>>(
    {},
    {
      get(_, name) {
        if (typeof name === 'string' && /^[a-z_]+$/i.test(name)) names.add(name)
        // A job's token is asked for only where there is an address.
        return name === 'ACTIONS_ID_TOKEN_REQUEST_URL' ? 'x' : undefined
      },
    },
  )
  parse(environment)
  return [...names].toSorted()
}

test.each([
  ['Server', parseServer],
  ['Agent', parseAgent],
  ['Command line', (environment: Record<string, string | undefined>) => readSettings(environment, true)],
] as const)('docs/configuration.md, “%s”: all that is read, and nothing else', (section, parse) => {
  const own = readBy(parse).filter((name) => name !== 'constructor')
  expect(listed(section)).toEqual(own)
})
