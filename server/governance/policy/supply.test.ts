import { expect, it } from 'vitest'
import { policySchema } from './document.ts'
import { faultOfBaseImage, imageRulesOf, mayHold, registryOf } from './supply.ts'

const digest = `sha256:${'a'.repeat(64)}`
const image = `registry.example:5000/odoo@${digest}`
const own = 'registry.example:5000/odoo:19.0'

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
  [{ baseImages: ['*/odoo'] }, undefined],
  [{ baseImages: ['registry.example:5000/odoo'] }, undefined],
  [{ baseImages: ['registry.example:5000/odoo@*'] }, undefined],
  [{ baseImages: [`registry.example:5000/odoo@${digest}`] }, undefined],
  [{ baseImages: ['registry.example:5000/odoo:19.0'] }, /none that the policy .*\(tags are not judged\)/],
  [{ baseImages: [] }, /allows: none\. Who may set policies allows it with baseImages: \["registry/],
  [{ baseImages: ['registry.example:5000/odo'] }, /none that the policy/],
  [{ baseImages: [digest] }, undefined],
  [{ baseImages: [digest.replace('aa', 'bb')] }, /none that the policy \(baseImages\) allows/],
])('judges a base image by %j', (policy, fault) => {
  const found = faultOfBaseImage(imageRulesOf(policySchema.parse(policy), own), image)
  if (fault) expect(found).toMatch(fault)
  else expect(found).toBeUndefined()
})

it('allows nothing but what Fairway brings where the policy names nothing', () => {
  const rules = imageRulesOf(policySchema.parse({}), 'registry.example:5000/fairway/odoo:19.0')
  expect(faultOfBaseImage(rules, `registry.example:5000/fairway/odoo@${digest}`)).toBeUndefined()
  expect(faultOfBaseImage(rules, image)).toMatch(/allows: registry\.example:5000\/fairway\/odoo\. Who/)
  expect(faultOfBaseImage(rules, 'odoo:19.0')).toMatch(/none that/)
  const twice = `evil.example/odoo@registry.example:5000/fairway/odoo@${digest}`
  expect(faultOfBaseImage(rules, twice)).toMatch(/is no reference of an image/)
})

it('asks nobody whom a policy of digests does not name', () => {
  const rules = (policy: object) => imageRulesOf(policySchema.parse(policy), own)
  const loopback = `127.0.0.1:6379/odoo@${digest}`
  expect(faultOfBaseImage(rules({ baseImages: [digest] }), loopback)).toMatch(
    /comes from 127\.0\.0\.1:6379; the policy \(registries\) allows registry\.example:5000$/,
  )
  const beside = rules({ baseImages: [digest, 'ghcr.io/acme/odoo'] })
  expect(faultOfBaseImage(beside, `ghcr.io/other/odoo@${digest}`)).toBeUndefined()
  const said = rules({ registries: ['*'], baseImages: [digest] })
  expect(faultOfBaseImage(said, loopback)).toBeUndefined()
})

it('lets a stage be held by the hosts it names', () => {
  const document = policySchema.parse({ hosts: { production: ['prod-*'] } })
  expect(mayHold(document, 'production', 'prod-1')).toBe(true)
  expect(mayHold(document, 'production', 'one')).toBe(false)
  expect(mayHold(document, 'staging', 'one')).toBe(true)
})
