import { afterEach, expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import type { Config } from '../../server/config.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
afterEach(() => server?.close())

async function look(overrides: Partial<Config>) {
  server = await startTestServer(overrides)
  const answer = await fetch(`${server.url}/`)
  return { answer, page: await answer.text() }
}

test('says what it is, its version, and how to log in with a code', async () => {
  const { answer, page } = await look({ publicUrl: 'https://fairway.example' })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(page).toContain(`This is a Fairway server, version ${manifest.version}:`)
  expect(page).toContain('fairway login --server https://fairway.example --code CODE')
})

test('names the provider that people log in at, and no address becomes markup', async () => {
  const { page } = await look({
    publicUrl: 'https://fairway.example/"><script>',
    oidc: { issuer: 'https://id.example/?a=1&b', clientId: 'fairway' },
  })
  expect(page).toContain('<pre>fairway login --server https://fairway.example/&quot;&gt;&lt;script&gt;</pre>')
  expect(page).toContain('log in at <code>https://id.example/?a=1&amp;b</code>')
  expect(page).not.toContain('--code')
})
