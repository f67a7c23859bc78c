import { expect, test } from 'vitest'
import { redactUrls } from './redact-urls.ts'

test.each([
  ['https://bot:secret@git.example/web.git', 'https://git.example/web.git'],
  ['https://bot:half@secret@git.example/web.git', 'https://git.example/web.git'],
  [
    "unable to access 'https://bot:it's@git.example/web/': 403",
    "unable to access 'https://git.example/web/': 403",
  ],
  ['https://a:1@one.example and https://b:2@two.example', 'https://one.example and https://two.example'],
])('%s', (text, shown) => {
  expect(redactUrls(text)).toBe(shown)
})

test.each(['https://git.example/web@19.0', 'git@git.example:web.git', 'file:///srv/a@b'])(
  '%s stays',
  (text) => {
    expect(redactUrls(text)).toBe(text)
  },
)
