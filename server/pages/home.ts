import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { Config } from '../config.ts'
import { version } from '../version.ts'

const style =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:42rem;margin:4rem auto;padding:0 1rem}' +
  'pre{padding:.75rem 1rem;background:#8881;overflow-x:auto}:root{color-scheme:light dark}'
const policy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; frame-ancestors 'none'`

/** What `/` answers to somebody with a browser: what this is, and how to get in. It says nothing that needs a login. */
export function addHomePage(app: FastifyInstance, config: Config): void {
  const page = homePage(config)
  app.get('/', async (_, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', policy)
      .header('x-content-type-options', 'nosniff')
      .header('referrer-policy', 'no-referrer')
      .send(page),
  )
}

function homePage({ publicUrl, oidc }: Config): string {
  const login = oidc
    ? `<pre>fairway login --server ${escaped(publicUrl)}</pre>
<p>You then log in at <code>${escaped(oidc.issuer)}</code>.</p>`
    : `<pre>fairway login --server ${escaped(publicUrl)} --code CODE</pre>
<p>An owner makes the code: <code>fairway member invite</code>. The code for the first owner is printed when the server starts.</p>`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Fairway</title>
<style>${style}</style>
</head>
<body>
<h1>Fairway</h1>
<p>This is a Fairway server, version ${escaped(version)}: it builds, tests and releases Odoo from git. You work with it on the
command line; there are no pages beside this one.</p>
<h2>Log in</h2>
${login}
<p><code>fairway --help</code> lists the commands.</p>
</body>
</html>
`
}

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => entities[character] ?? '')
