import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DocumentedSession, documentedReleases } from '../support/documented-releases.ts'
import { type ScriptedReleases, startScriptedReleases } from '../support/scripted-releases.ts'
import { runOnTerminal } from '../support/terminal.ts'

// What README and docs show of the command line is what it shows, on a terminal of 80 columns. What the server answers is
// given: that its answers are right is tested where they are made. Moments differ; all else is compared to the letter.

const root = fileURLToPath(new URL('../../', import.meta.url))
const pages = ['README.md', ...globSync('docs/*.md', { cwd: root }).sort()]

interface Session {
  readonly page: string
  readonly line: number
  readonly command: string
  readonly shown: readonly string[]
}

/** Commands after a `$` in the blocks of a page, each with the lines below it. */
function sessionsOf(page: string): Session[] {
  const sessions: { page: string; line: number; command: string; shown: string[] }[] = []
  let inBlock = false
  let open: string[] | undefined
  for (const [index, text] of readFileSync(`${root}${page}`, 'utf8').split('\n').entries()) {
    if (text.startsWith('```')) {
      inBlock = !inBlock
      open = undefined
    } else if (inBlock && text.startsWith('$ ')) {
      open = []
      const command = text.slice(2).replace(/\s+# .*$/, '')
      sessions.push({ page, line: index + 1, command, shown: open })
    } else if (inBlock) open?.push(text)
  }
  return sessions
}

const sessions = pages.flatMap(sessionsOf)
const isShown = ({ shown }: Session) => shown.some((line) => line !== '')
const findScript = ({ page, command }: Session): DocumentedSession | undefined =>
  documentedReleases.find((script) => script.page === page && script.command === command)

for (const page of pages) {
  const count = sessions.filter((session) => session.page === page && !isShown(session)).length
  if (count > 0)
    console.info(`${page}: ${count} commands stand there without what they say: nothing to compare`)
}

let server: ScriptedReleases
beforeAll(async () => {
  server = await startScriptedReleases()
})
afterAll(() => server?.close())

test.each(sessions.filter(isShown))('$page:$line $command', async (session) => {
  const script = findScript(session)
  if (!script)
    expect.fail('there is no script for this session: add it to test/support/documented-releases.ts')
  const { answers, runs = [], answer, until } = script
  server.play(answers, ...runs)
  const screen = await runOnTerminal(wordsOf(session.command), server.env, { answer })
  expectShown(until === undefined ? screen : upTo(screen, until), trimmed(session.shown))
})

test('every script is of a session that a page shows', () => {
  const unknown = documentedReleases.filter(
    (script) => !sessions.some((session) => isShown(session) && findScript(session) === script),
  )
  expect(unknown.map(({ page, command }) => `${page}: ${command}`)).toEqual([])
})

/** `…` stands for any lines, and `<time>` for any moment. */
function expectShown(screen: readonly string[], page: readonly string[]): void {
  const lines = screen.map(withoutTimes)
  const parts = page
    .map(withoutTimes)
    .join('\n')
    .split(/^…$\n?/m)
  let rest = `${lines.join('\n')}\n`
  for (const [index, part] of parts.entries()) {
    if (part === '') continue
    const text = part.endsWith('\n') ? part : `${part}\n`
    const at = index === 0 ? (rest.startsWith(text) ? 0 : -1) : rest.indexOf(text)
    // The whole of both, so that what differs is seen.
    if (at < 0) expect(rest.trimEnd().split('\n')).toEqual(text.trimEnd().split('\n'))
    rest = rest.slice(at + text.length)
  }
  if (page.at(-1) !== '…') expect(rest.trim()).toBe('')
}

const withoutTimes = (line: string) => line.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d UTC/g, '<time>')

function upTo(lines: readonly string[], text: string): string[] {
  const at = lines.findIndex((line) => line.includes(text))
  const line = lines[at] ?? ''
  return [...lines.slice(0, at), line.slice(0, line.indexOf(text) + text.length)]
}

/** The line before the next command is often empty. */
const trimmed = (lines: readonly string[]) => lines.join('\n').trimEnd().split('\n')

const wordsOf = (command: string): string[] =>
  [...command.matchAll(/"([^"]*)"|\S+/g)].map(([word, inQuotes]) => inQuotes ?? word).slice(1)
