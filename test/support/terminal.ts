import { spawn } from 'node:child_process'
import { cliProgram } from '../../packaging/dev/cli-program.ts'

interface Typed {
  /** Typed once the terminal shows a question. */
  readonly answer?: string
  readonly columns?: number
}

const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`

/** The command line on a terminal; gives the lines that it shows when all is over, without colours. */
export const runOnTerminal = async (
  words: readonly string[],
  env: Record<string, string>,
  { answer = 'n', columns }: Typed = {},
): Promise<string[]> =>
  (await pressOnTerminal(words, env, { asked: '[y/N]', keys: `${answer}\r`, columns })).lines

interface Pressed {
  /** What a question ends with. */
  readonly asked: string
  /** Pressed once it is shown. */
  readonly keys: string
  readonly columns?: number
}

/** The same with any question and any keys; gives the exit code too. */
export async function pressOnTerminal(
  words: readonly string[],
  env: Record<string, string>,
  { asked, keys, columns = 80 }: Pressed,
): Promise<{ code: number | null; lines: string[] }> {
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
  let pressed = false
  terminal.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    shown += chunk
    if (pressed || !shown.includes(asked)) return
    pressed = true
    terminal.stdin.write(keys)
  })
  const code = await new Promise<number | null>((resolve) => terminal.once('close', resolve))
  return { code, lines: screenOf(shown) }
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
