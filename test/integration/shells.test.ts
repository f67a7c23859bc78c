import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fishCompletion } from '../../cli/completion/fish.ts'
import { flagsOf } from '../../cli/completion/places.ts'
import { zshCompletion } from '../../cli/completion/zsh.ts'
import { nouns, plainVerbs } from '../../cli/nouns.ts'
import { manPage } from '../../cli/reference/man-page.ts'
import { allCommands, type Reference, readReference } from '../../cli/reference/reference.ts'
import { ensureShellsImage, runInShells } from '../support/shells.ts'

// Completion as zsh and fish do it (bash: cli/completion/completion.test.ts), and the man page as its readers read it.

const names = ['acme', 'shop', '$(touch made)', '`touch made`', ';touch made', 'a b', '-rf', 'a*', "a'", 'a"']
let reference: Reference
let given: string
beforeAll(async () => {
  await ensureShellsImage()
  reference = await readReference({ nouns, plainVerbs })
  given = await mkdtemp(join(tmpdir(), 'fairway-shells-'))
  await writeFile(join(given, 'fairway.fish'), fishCompletion(reference))
  await writeFile(join(given, '_fairway'), zshCompletion(reference))
  const facts = {
    version: '0',
    date: '2026-11-30',
    introduction: 'Words.',
    environment: [['A', 'b']] as const,
  }
  await writeFile(join(given, 'fairway.1'), manPage(reference, facts))
  // What the server would say.
  await writeFile(join(given, 'names'), `${names.join('\n')}\n`)
  await writeFile(
    join(given, 'fairway'),
    '#!/bin/sh\n[ "$1 $2" = "completion --names" ] && cat /given/names\n',
  )
  for (const path of ['', 'fairway', 'names', 'fairway.fish', '_fairway', 'fairway.1'])
    await chmod(join(given, path), 0o755)
}, 240_000)
afterAll(() => rm(given, { recursive: true, force: true }))

/** Lines to complete, and what each is offered. */
const cases = (): [line: string, offered: string[]][] => [
  ['fairway ', [...Object.keys(nouns), ...Object.keys(plainVerbs), 'help']],
  ...Object.entries(nouns).map(([name, { verbs }]): [string, string[]] => [
    `fairway ${name} `,
    Object.keys(verbs),
  ]),
  ...allCommands(reference).map((command): [string, string[]] => [
    `fairway ${command.name} -`,
    flagsOf(command).map(([flag]) => flag),
  ]),
  ['fairway build list ', ['acme', 'shop']],
  ['fairway build list --branch main a', ['acme']],
  ['fairway secret set acme KEY --stage st', ['staging']],
  ['fairway project webhook ', ['show', 'rotate', 'deliveries']],
  ['fairway build list acme ', []],
]

const expected = () => cases().map(([line, offered]) => [line, offered.toSorted()])

test('fish', async () => {
  const script = `
    cd /tmp
    fish --no-config -c '
      source /given/fairway.fish
      while read --line line
        echo "> $line"
        complete --do-complete "$line"
      end' 2>&1
    test ! -e /tmp/made`
  const said = await runInShells(
    given,
    script,
    `${cases()
      .map(([line]) => line)
      .join('\n')}\n`,
  )
  const answers = said.split(/^> /m).slice(1)
  const offered = answers.map((answer) => {
    const [line, ...words] = answer.split('\n')
    return [
      line,
      words
        .filter(Boolean)
        .map((word) => word.split('\t')[0])
        .toSorted(),
    ]
  })
  expect(offered).toEqual(expected())
}, 120_000)

// Outside of a line that is edited zsh refuses `compadd`: it is told what would be offered, all else is the real thing.
test('zsh', async () => {
  const script = `
    cd /tmp
    cat >/tmp/ask.zsh <<'END'
      compdef() { : }
      _files() { : }
      compadd() {
        local one
        if [[ $1 == -a ]]; then for one in "\${(@P)2}"; do print -r -- "$one"; done; fi
      }
      _describe() {
        local one
        for one in "\${(@P)argv[-1]}"; do print -r -- "\${one%%:*}"; done
      }
      source /given/_fairway
      while IFS= read -r line; do
        print -r -- "> $line"
        words=("\${(@s: :)line}")
        CURRENT=$#words
        _fairway_ask() { _fairway | grep -e "^$words[CURRENT]" || true }
        _fairway_ask
      done
END
    zsh -f /tmp/ask.zsh 2>&1
    test ! -e /tmp/made`
  const said = await runInShells(
    given,
    script,
    `${cases()
      .map(([line]) => line)
      .join('\n')}\n`,
  )
  const answers = said.split(/^> /m).slice(1)
  const offered = answers.map((answer) => {
    const [line, ...words] = answer.split('\n')
    return [line, words.filter(Boolean).toSorted()]
  })
  expect(offered).toEqual(expected())
}, 120_000)

test('the man page is read without a warning, by groff and by mandoc', async () => {
  const script = `
    groff -man -Tutf8 -ww -z /given/fairway.1 2>&1
    mandoc -T lint -W warning /given/fairway.1 2>&1 || true
    echo --
    mandoc -T utf8 /given/fairway.1 | sed "s/.$(printf '\\b')//g"`
  const [warnings, text = ''] = (await runInShells(given, script)).split('--\n')
  expect(warnings).toBe('')
  expect(text).toContain('NAME')
}, 120_000)
