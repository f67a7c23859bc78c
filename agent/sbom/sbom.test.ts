import { expect, test } from 'vitest'
import { createSbom } from './sbom.ts'

test('of a merge every address is named that its addons come from', () => {
  const facts = {
    packages: [],
    distributions: {},
    modules: {},
    odooVersion: '19.0',
    system: { id: 'debian' },
  }
  const [oca, acme] = ['https://git.example/oca/web', 'https://git.example/acme/web']
  const addon = { version: '19.0.1.0.0', treeId: '1'.repeat(40), repository: oca }
  const text = createSbom({
    image: 'registry.example/acme/shop',
    digest: `sha256:${'2'.repeat(64)}`,
    facts: facts as never,
    addons: [
      { ...addon, name: 'web_a', merged: [oca, acme] },
      { ...addon, name: 'web_b', merged: [oca, acme] },
    ],
  })
  const { components } = JSON.parse(text) as { components: { name: string }[] }
  expect(components.find(({ name }) => name === oca)).toMatchObject({
    externalReferences: [
      { type: 'vcs', url: acme },
      { type: 'vcs', url: oca },
    ],
  })
})
