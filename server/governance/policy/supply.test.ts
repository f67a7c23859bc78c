import { expect, it } from 'vitest'
import { policySchema } from './document.ts'
import { faultOfBaseImage, mayHold, registryOf } from './supply.ts'

const digest = `sha256:${'a'.repeat(64)}`
const image = `registry.example:5000/odoo:19.0@${digest}`

it.each([
  ['odoo:19.0', 'docker.io'],
  ['library/odoo', 'docker.io'],
  ['registry.example/odoo', 'registry.example'],
  ['localhost/odoo', 'localhost'],
  [image, 'registry.example:5000'],
])('reads the registry of %s', (reference, registry) => expect(registryOf(reference)).toBe(registry))

it.each([
  [{}, undefined],
  [{ registries: ['registry.example:5000'] }, undefined],
  [
    { registries: ['docker.io'] },
    /comes from registry.example:5000; the policy \(registries\) allows docker.io/,
  ],
  [{ registries: [] }, /allows none/],
  [{ baseImages: ['registry.example:5000/odoo:*'] }, undefined],
  [{ baseImages: ['*/odoo:19.0'] }, undefined],
  [{ baseImages: [digest] }, undefined],
  [{ baseImages: [digest.replace('aa', 'bb')] }, /none that the policy \(baseImages\) allows/],
])('judges a base image by %j', (policy, fault) => {
  const found = faultOfBaseImage(policySchema.parse(policy), image)
  if (fault) expect(found).toMatch(fault)
  else expect(found).toBeUndefined()
})

it('lets a stage be held by the hosts it names', () => {
  const document = policySchema.parse({ hosts: { production: ['prod-*'] } })
  expect(mayHold(document, 'production', 'prod-1')).toBe(true)
  expect(mayHold(document, 'production', 'one')).toBe(false)
  expect(mayHold(document, 'staging', 'one')).toBe(true)
})
