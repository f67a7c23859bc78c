import { expect, test } from 'vitest'
import { parseSimulation } from './apt.ts'

test('what would be installed and upgraded is read, with epochs and without what is replaced', () => {
  const lines = [
    'Reading package lists...',
    'Inst poppler-utils (25.03.0-5+deb13u4 Debian:13.8/stable [amd64])',
    'Inst libnspr4 [2:4.35-1] (2:4.36-1 Debian:13.8/stable, Debian-Security:13/stable-security [amd64]) []',
    'Conf poppler-utils (25.03.0-5+deb13u4 Debian:13.8/stable [amd64])',
  ]
  expect(parseSimulation(lines)).toEqual([
    { name: 'libnspr4', version: '2:4.36-1' },
    { name: 'poppler-utils', version: '25.03.0-5+deb13u4' },
  ])
})

test('what is no package never becomes an argument', () => {
  expect(() => parseSimulation(['Inst -o=x (1.0 Debian [amd64])'])).toThrow('no package')
})
