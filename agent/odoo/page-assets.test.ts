import { expect, test } from 'vitest'
import { findAssets } from './page-assets.ts'

test('assets are what the page loads from its own server', () => {
  const html = `<link rel="stylesheet" href="/web/assets/1/a.min.css"/><link href="https://fonts.test/x.css">
    <script type="text/javascript" src="/web/assets/1/a.js?x=1&amp;y=2"></script><link rel="icon" href="/favicon.ico">
    <script src="//evil.test/a.js"></script><script>inline()</script><link href='/web/assets/1/a.min.css'>`
  expect(findAssets(html)).toEqual(['/web/assets/1/a.min.css', '/web/assets/1/a.js?x=1&y=2'])
})
