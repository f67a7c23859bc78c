import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkBackend, checkOwnModules, loadBundles } from './bundle-checks.ts'
import { type Findings, parseFindings } from './inspection/findings.ts'
import { createVisitor } from './smoke-checks.ts'

const error = String.raw`Error: Undefined variable: \"$skin\".\A        on line 4:3 of stdin\A>> .o_skin { color: $skin; }\A   --^\AThis error occurred while compiling the bundle 'x' containing:\A    - /web/static/src/a.scss\A    - /shop/static/src/skin.scss`
const broken = `/* ## CSS error message ##*/\ncss_error_message {\n  content: "${error}";\n}\n`

/** What a runtime would answer. */
const served: Record<string, string> = {
  '/web/assets/1/web.assets_web.min.css': broken,
  '/web/assets/1/web.assets_web_print.min.css': broken,
  '/web/static/src/a.scss': '.a {}',
  '/shop/static/src/skin.scss': '.o_skin { color: $skin; }',
  '/web/assets/2/web.assets_web.min.css': '.a {}',
  '/web/assets/2/web.assets_web.min.js': "odoo.define('@web/main', [], function () {})",
  '/web/assets/2/shop.lazy.min.js':
    "odoo.define('@shop/lazy', ['@web/public'], function () {});checkPrimaryTemplateParents([\"web.Page\"]);",
  '/web/assets/3/shop.lazy.min.js': "odoo.define('@shop/lazy', ['@web/public'], function () {})",
  '/web/webclient/translations?lang=en_US': '{}',
}

let server: Server
const asked: string[] = []
beforeAll(async () => {
  server = createServer(({ url = '' }, answer) => {
    asked.push(url)
    answer.statusCode = url in served ? 200 : 404
    answer.end(served[url])
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(() => server.close())

const visitor = () => {
  const { port } = server.address() as AddressInfo
  return createVisitor(`http://127.0.0.1:${port}`, 'x', { shop: 'addons/shop' }, new AbortController().signal)
}
const bundle = (name: string, urls: string[]) => ({ name, rtl: false, urls })
const findings = (bundles: Findings['bundles']): Findings => ({
  ...parseFindings([]),
  languages: ['en_US'],
  bundles,
})

test('a style sheet that does not compile is named by its place in the repository, once for all bundles', async () => {
  const paths = ['web.assets_web', 'web.assets_web_print'].map((name) => `/web/assets/1/${name}.min.css`)
  await expect(loadBundles(visitor(), paths)).rejects.toThrow(
    'web.assets_web.min.css: Error: Undefined variable: "$skin". >> .o_skin { color: $skin; } (module shop, addons/shop/static/src/skin.scss:1), as in web.assets_web_print.min.css',
  )
  expect(asked.filter((url) => url.endsWith('.scss'))).toHaveLength(2)
})

test('what a bundle of its own needs may be in a page of another kind', async () => {
  const client = bundle('web.assets_web', [
    '/web/assets/2/web.assets_web.min.css',
    '/web/assets/2/web.assets_web.min.js',
  ])
  const lazy = '/web/assets/2/shop.lazy.min.js'
  expect(await checkBackend(visitor(), findings([client, bundle('shop.lazy', [lazy])]), '19.0')).toContain(
    '3 style sheets and scripts load',
  )
  const part = { ...client, urls: [...client.urls, lazy] }
  await expect(checkBackend(visitor(), findings([part]), '19.0')).rejects.toThrow('web.Page')
  const needing = { ...client, urls: [...client.urls, '/web/assets/3/shop.lazy.min.js'] }
  await expect(checkBackend(visitor(), findings([needing]), '19.0')).rejects.toThrow(
    'the module @shop/lazy needs @web/public, which no bundle has (module shop, addons/shop/static/src/lazy.js)',
  )
})

test('a bundle of its own that does not compile is named', async () => {
  const client = bundle('web.assets_web', ['/web/assets/2/web.assets_web.min.css'])
  const print = bundle('web.assets_web_print', ['/web/assets/1/web.assets_web_print.min.css'])
  await expect(checkBackend(visitor(), findings([client, print]), '19.0')).rejects.toThrow(
    /^web\.assets_web_print\.min\.css: .*addons\/shop\/static\/src\/skin\.scss:1/,
  )
})

test('a page lacks what a script of the project needs, and what one of others needs is their affair', async () => {
  const page = (needs: string) =>
    new Map([
      ['/web/assets/4/web.assets_frontend.min.js', `odoo.define('${needs}', ['@web/gone'], function () {})`],
    ])
  await expect(checkOwnModules(visitor(), page('@shop/cart'))).rejects.toThrow(
    'the module @shop/cart needs @web/gone, which no bundle has (module shop, addons/shop/static/src/cart.js)',
  )
  await checkOwnModules(visitor(), page('@other/cart'))
})

test('a bundle that cannot be put together names whose manifest asks for it', async () => {
  const unmade = { ...bundle('web.assets_web', []), error: 'ValueError: File(s) web/a.js not found' }
  const said = (module: string) => checkBackend(visitor(), findings([{ ...unmade, module }]), '19.0')
  await expect(said('shop')).rejects.toThrow(
    'web.assets_web cannot be made: ValueError: File(s) web/a.js not found (module shop, addons/shop/__manifest__.py)',
  )
  await expect(said('')).rejects.toThrow(/not found$/)
})
