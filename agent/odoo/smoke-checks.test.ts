import { expect, test } from 'vitest'
import { findAssets, runCheck } from './smoke-checks.ts'

test('assets are what the page loads from its own server', () => {
  const html = `<link rel="stylesheet" href="/web/assets/1/a.min.css"/><link href="https://fonts.test/x.css">
    <script type="text/javascript" src="/web/assets/1/a.js?x=1&amp;y=2"></script><link rel="icon" href="/favicon.ico">
    <script src="//evil.test/a.js"></script><script>inline()</script><link href='/web/assets/1/a.min.css'>`
  expect(findAssets(html)).toEqual(['/web/assets/1/a.min.css', '/web/assets/1/a.js?x=1&y=2'])
})

test('a check that throws has failed, a cancelled one is no check', async () => {
  const controller = new AbortController()
  const failing = async () => {
    throw new Error('refused')
  }
  expect(await runCheck('a', controller.signal, failing)).toMatchObject({ passed: false, detail: 'refused' })
  expect(await runCheck('a', controller.signal, async () => 'fine')).toMatchObject({
    passed: true,
    detail: 'fine',
  })
  controller.abort(new Error('cancelled'))
  await expect(runCheck('a', controller.signal, failing)).rejects.toThrow('cancelled')
})
