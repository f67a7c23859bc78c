import { expect, test } from 'vitest'
import { decodeRequirements } from './requirements-bytes.ts'

const text = 'acme-label==1.0\r\n# é\r\n'
const utf16 = (value: string) => Buffer.from(value, 'utf16le')
const utf32 = (value: string, little: boolean) => {
  const bytes = Buffer.alloc(4 * [...value].length)
  for (const [index, character] of [...value].entries())
    little
      ? bytes.writeUInt32LE(character.codePointAt(0)!, 4 * index)
      : bytes.writeUInt32BE(character.codePointAt(0)!, 4 * index)
  return bytes
}

test.each([
  ['UTF-8', Buffer.from(text)],
  ['UTF-8 with a mark', Buffer.from(`\ufeff${text}`)],
  // What PowerShell 5 makes of: pip freeze > requirements.txt
  ['UTF-16, little endian', utf16(`\ufeff${text}`)],
  ['UTF-16, big endian', utf16(`\ufeff${text}`).swap16()],
  ['UTF-32, little endian', utf32(`\ufeff${text}`, true)],
  ['UTF-32, big endian', utf32(`\ufeff${text}`, false)],
])('%s is read as pip reads it', (_, content) => {
  expect(decodeRequirements(content, 'requirements.txt')).toBe(text)
})

test.each(['latin-1', 'iso-8859-15', 'cp1252', 'LATIN_1'])('%s in a comment is taken', (name) => {
  const head = `# one\n# -*- coding: ${name} -*-\n`
  const content = Buffer.concat([Buffer.from(head), Buffer.from('x # \xe9\n', 'latin1')])
  expect(decodeRequirements(content, 'requirements.txt')).toBe(`${head}x # é\n`)
})

test.each([
  ['latin-1 that nobody names', Buffer.from('x # \xe9', 'latin1'), 'not UTF-8: save it as UTF-8'],
  ['UTF-16 without a mark', utf16(text), 'NUL characters, as UTF-16 without a byte order mark'],
  ['UTF-16 that is cut off', utf16(`\ufeff${text}`).subarray(0, 9), 'mark says UTF-16'],
  ['UTF-32 that is cut off', utf32(`\ufeff${text}`, true).subarray(0, 10), 'mark says UTF-32'],
  ['a comment in the third line', Buffer.from('\n\n# coding: latin-1\n\xe9', 'latin1'), 'not UTF-8'],
  [
    'an encoding that is no text',
    Buffer.from('# coding: utf-7\nx'),
    'the encoding utf-7, which is not known',
  ],
  [
    'a pointer of Git LFS',
    Buffer.from(`version https://git-lfs.github.com/spec/v1\noid sha256:${'7'.repeat(64)}\nsize 9\n`),
    'is a pointer of Git LFS, not the file itself; commit the file',
  ],
  ['more than ASCII', Buffer.from('# coding: ascii\n# é'), 'first lines say ascii'],
])('%s is refused', (_, content, why) => {
  expect(() => decodeRequirements(content, 'vendor/requirements.txt')).toThrow(
    expect.objectContaining({
      reason: 'requirements-invalid',
      message: expect.stringMatching(new RegExp(`^vendor/requirements.txt: .*${why}`)),
    }),
  )
})
