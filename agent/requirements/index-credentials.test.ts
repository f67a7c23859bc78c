import { expect, test } from 'vitest'
import { pythonIndexOf } from './index-credentials.ts'

test.each([
  ['pypi.example', 'https://pypi.example/simple', true],
  ['pypi.example', 'https://PYPI.example:443/simple', true],
  ['pypi.example:8443', 'https://pypi.example:8443/simple', true],
  ['pypi.example', 'https://pypi.example:8443/simple', false],
  ['pypi.example', 'https://pypi.example.evil.test/simple', false],
  ['pypi.example', 'http://pypi.example/simple', false],
  ['pypi.example:80', 'http://pypi.example/simple', true],
])('what is kept for %s and %s', (host, url, presented) => {
  const { login } = pythonIndexOf(url, { [`python:${host}/PASSWORD`]: 'pass"word' })
  expect(login).toEqual(presented ? { username: '__token__', password: 'pass"word' } : undefined)
})
