import { spawn } from 'node:child_process'
import { cliProgram } from '../../packaging/dev/cli-program.ts'

interface Typed {
  /** Typed once the terminal shows a question. */
  readonly answer?: string
  readonly columns?: number
}

const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`
const question = '[y/N]'

/** The command line on a terminal; gives the lines that it shows when all is over, without colours. */
export async function runOnTerminal(
  words: readonly string[],
  env: Record<string, string>,
  { answer, columns = 80 }: Typed = {},
): Promise<string[]> {
  const command = [process.execPath, cliProgram, ...words].map(quoted).join(' ')
  const sized = `stty cols ${columns} rows 100; exec ${command}`
  const terminal = spawn('script', ['--quiet', '--return', '--command', sized, '/dev/null'], {
    env: {
      PATH: process.env.PATH,
      HOME: '/nonexistent',
      SHELL: '/bin/sh',
      NO_COLOR: '1',
      TERM: 'xterm',
      ...env,
    },
  })
  let shown = ''
  let asked = false
  terminal.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    shown += chunk
    if (asked || !shown.includes(question)) return
    asked = true
    terminal.stdin.write(`${answer ?? 'n'}\r`)
  })
  await new Promise((resolve) => terminal.once('close', resolve))
  return screenOf(shown)
}

/** What stands on a screen after all of it was written: as much of a terminal as Node and the command line use. */
export function screenOf(written: string): string[] {
  const lines: string[][] = [[]]
  let [row, column] = [0, 0]
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what a terminal goes by
  for (const [token, count, action] of written.matchAll(/\x1b\[([\d;?]*)([A-Za-z])|[\s\S]/gu)) {
    const line = lines[row] ?? []
    lines[row] = line
    const by = Number(count) || 1
    if (token === '\n') {
      row++
      lines[row] ??= []
    } else if (token === '\r') column = 0
    else if (action === 'A') row = Math.max(0, row - by)
    else if (action === 'B') row += by
    else if (action === 'C') column += by
    else if (action === 'D') column = Math.max(0, column - by)
    else if (action === 'G') column = by - 1
    else if (action === 'J') {
      line.length = Math.min(line.length, column)
      lines.length = row + 1
    } else if (action === 'K') line.length = Math.min(line.length, column)
    else if (action === undefined && !/\p{Cc}/u.test(token)) line[column++] = token
  }
  return lines.map((line) =>
    Array.from(line, (each) => each ?? ' ')
      .join('')
      .trimEnd(),
  )
}
