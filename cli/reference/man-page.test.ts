import { expect, test } from 'vitest'
import { nouns, plainVerbs } from '../nouns.ts'
import { manPage, text } from './man-page.ts'
import { allCommands, readReference } from './reference.ts'

const facts = { version: '1.2.3', date: '2026-11-30', introduction: 'One.\n\nTwo.', environment: [] }

test('every command has a section, with every flag', async () => {
  const reference = await readReference({ nouns, plainVerbs })
  const page = manPage(reference, facts)
  const sections = new Map(
    page
      .split('\n.SS fairway ')
      .slice(1)
      .map((section) => [section.split(/ \\fI|\n/, 1)[0] ?? '', section.split('\n.S')[0] ?? '']),
  )
  const commands = allCommands(reference)
  expect([...sections.keys()]).toEqual(commands.map(({ name }) => text(name)))
  for (const { name, options } of commands) {
    const section = sections.get(text(name)) ?? ''
    for (const flag of options.flatMap(({ flags }) => flags)) expect(section, name).toContain(text(flag))
  }
})

test('nothing in a text is a request, and nothing is beyond ASCII', async () => {
  const page = manPage(await readReference({ nouns, plainVerbs }), {
    ...facts,
    introduction: ".so /etc/passwd\n\n'tr x\n\n\\*(fR naïve – ‘a’ 🙂",
  })
  expect(page).toMatch(/^[\n -~]*$/)
  const requests = page.split('\n').filter((line) => /^[.']/.test(line))
  expect(new Set(requests.map((line) => line.split(' ')[0]))).toEqual(
    new Set(['.TH', '.SH', '.B', '.I', '.PP', '.SS', '.TP', '.nf', '.fi']),
  )
})
