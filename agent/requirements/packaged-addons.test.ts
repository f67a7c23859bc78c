import { expect, test } from 'vitest'
import { readPackagedAddons } from './packaged-addons.ts'

const wheel = (module: string, manifest: string, manifestBytes = manifest.length) => ({
  name: 'odoo-addon-acme',
  addons: [
    {
      module,
      treeId: '0'.repeat(40),
      neutralize: false,
      manifest: Buffer.from(manifest).toString('base64'),
      manifestBytes,
    },
  ],
})

async function read(...packages: ReturnType<typeof wheel>[]) {
  const warnings: string[] = []
  const context = {
    warn: (text: string) => void warnings.push(text),
    signal: AbortSignal.timeout(60_000),
  }
  return { addons: await readPackagedAddons(packages, '19.0', context), warnings }
}

test('what Odoo passes over is left out, with a word', async () => {
  expect(await read(wheel('acme', '{'))).toEqual({
    addons: [],
    warnings: [expect.stringContaining('left out: odoo-addon-acme/odoo/addons/acme/__manifest__.py:1:2')],
  })
  expect((await read(wheel('acme', "{'name': 'x'}"))).addons).toMatchObject([
    { module: 'acme', source: 'odoo-addon-acme', inImage: 'packages', isPackage: true },
  ])
})

test.each([
  ['a tuple', wheel('acme', "{'name': 'x'},"), 'a manifest is one dictionary'],
  ['many values', wheel('acme', `{'name': 'x', 'x': [${'1,'.repeat(50_001)}]}`), 'more than 50000 values'],
  ['many bytes', wheel('acme', '', 5_000_000), 'is too large to be read'],
  ['a long name', wheel('a'.repeat(200), "{'name': 'x'}"), 'is no module name'],
  ['letters of another script', wheel('größe', "{'name': 'x'}"), 'is no module name'],
])('what the image would have all the same is refused: %s', async (_, brought, message) => {
  await expect(read(brought)).rejects.toMatchObject({
    reason: 'manifest-invalid',
    message: expect.stringContaining(message),
  })
})

test('a module of two packages is not guessed', async () => {
  const twice = [wheel('acme', "{'name': 'x'}"), { ...wheel('acme', "{'name': 'x'}"), name: 'other' }]
  await expect(read(...twice)).rejects.toMatchObject({ reason: 'addon-duplicate' })
})
