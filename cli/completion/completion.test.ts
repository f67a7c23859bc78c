import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { nouns, plainVerbs } from '../nouns.ts'
import { allCommands, type Reference, readReference } from '../reference/reference.ts'
import { bashCompletion } from './bash.ts'
import { fishCompletion } from './fish.ts'
import { flagsOf } from './places.ts'
import { zshCompletion } from './zsh.ts'

// In a real bash; zsh and fish are asked the same in test/integration/shells.test.ts.

let reference: Reference
let directory: string
beforeAll(async () => {
  reference = await readReference({ nouns, plainVerbs })
  directory = mkdtempSync(join(tmpdir(), 'fairway-completion-'))
  writeFileSync(join(directory, 'fairway.bash'), bashCompletion(reference))
})
afterAll(() => rmSync(directory, { recursive: true }))

/** What bash offers at the end of each line; `names` is what the server would say. */
function offered(lines: readonly (readonly string[])[], names = ''): string[][] {
  const fairway = join(directory, 'fairway')
  writeFileSync(fairway, `#!/bin/sh\n[ "$1 $2" = 'completion --names' ] && cat '${directory}/names'\n`)
  writeFileSync(join(directory, 'names'), names)
  chmodSync(fairway, 0o755)
  const script = `
    . '${directory}/fairway.bash'
    while IFS= read -r -d '' count; do
      COMP_WORDS=()
      for ((n = 0; n < count; n++)); do IFS= read -r -d '' word; COMP_WORDS+=("$word"); done
      COMP_CWORD=$((count - 1))
      _fairway
      printf '%s\\n' "\${COMPREPLY[@]}" --
    done`
  const input = lines.flatMap((words) => [String(words.length), ...words]).map((word) => `${word}\0`)
  const said = execFileSync('bash', ['--norc', '-c', script], {
    input: input.join(''),
    encoding: 'utf8',
    cwd: directory,
    env: { PATH: `${directory}:/usr/bin:/bin` },
  })
  const answers = said.split(/^--\n/m).slice(0, -1)
  return answers.map((answer) => answer.split('\n').filter(Boolean))
}

test('every noun, verb and flag is offered', () => {
  const [top, ...verbs] = offered([
    ['fairway', ''],
    ...reference.nouns.map(({ name }) => ['fairway', name, '']),
  ])
  expect(top?.toSorted()).toEqual([...Object.keys(nouns), ...Object.keys(plainVerbs), 'help'].toSorted())
  expect(verbs).toEqual(Object.values(nouns).map((noun) => Object.keys(noun.verbs)))
  const commands = allCommands(reference)
  const flags = offered(commands.map(({ name }) => ['fairway', ...name.split(' '), '-']))
  expect(flags).toEqual(commands.map((command) => flagsOf(command).map(([flag]) => flag)))
})

test('what an argument or an option takes is offered in its place', () => {
  const names = 'acme\nshop\n'
  const lines: [string[], string[]][] = [
    [['build', 'list', 'a'], ['acme']],
    [
      ['build', 'list', '--json', ''],
      ['acme', 'shop'],
    ],
    [['build', 'list', '--branch', 'main', 's'], ['shop']],
    [['build', 'start', 'acme', 's'], ['shop']],
    [['secret', 'set', 'acme', 'KEY', '--stage', 'st'], ['staging']],
    [
      ['project', 'webhook', ''],
      ['show', 'rotate', 'deliveries'],
    ],
    [['completion', 'z'], ['zsh']],
    [['env', 'stop', 'acme', 's'], ['shop']],
    [['build', 'list', 'acme', ''], []],
    [['build', 'nothing', ''], []],
    [['token', 'revoke', ''], []],
    [['evidence', 'verify', 'nam'], ['names']],
  ]
  expect(
    offered(
      lines.map(([words]) => ['fairway', ...words]),
      names,
    ),
  ).toEqual(lines.map(([, all]) => all))
})

test('nothing on the line, and no name of a server, is evaluated or offered as what a shell would take for more', () => {
  const made = join(directory, 'made')
  const hostile = [
    ...[`$(touch ${made})`, `\`touch ${made}\``, `;touch ${made}`, `a;touch ${made}`, `a$(touch ${made})`],
    ...[`-rf`, `a b`, `a*`, `a'`, `a"`, `a|b`, `a&b`, `a>b`, `~root`, `a\u001b[31m`, `a\\b`, `a!b`, `é`],
  ]
  expect(offered([['fairway', 'build', 'list', '']], `${hostile.join('\n')}\nacme\n`)).toEqual([['acme']])
  const lines = hostile.flatMap((word) => [
    ['fairway', word],
    ['fairway', word, word, word],
    ['fairway', 'build', 'list', word],
    ['fairway', 'build', 'list', '--branch', word],
    ['fairway', 'build', 'list', word, ''],
    ['fairway', 'evidence', 'verify', word],
  ])
  offered(lines, 'acme\n')
  expect(() => execFileSync('test', ['-e', made])).toThrow()
})

test('names and words of zsh and fish are those of bash', () => {
  for (const script of [zshCompletion(reference), fishCompletion(reference)]) {
    for (const { name, options } of allCommands(reference)) {
      expect(script).toContain(`'${name}'`)
      for (const flag of options.flatMap(({ flags }) => flags)) expect(script).toContain(flag)
    }
  }
})
