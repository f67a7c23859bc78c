import { expect, test } from 'vitest'
import { requireAllowed } from './image-rules.ts'

const digest = `sha256:${'a'.repeat(64)}`
const other = `sha256:${'b'.repeat(64)}`
const own = { registries: ['*'], baseImages: ['registry.example:5000/fairway/odoo'] }
const only = (...baseImages: string[]) => ({ registries: ['*'], baseImages })

test.each([
  [own, 'registry.example:5000/fairway/odoo:19.0'],
  [own, `registry.example:5000/fairway/odoo@${digest}`],
  [only('ghcr.io/acme/*'), 'ghcr.io/acme/odoo:19.0'],
  [only('ghcr.io/acme/odoo:*'), `ghcr.io/acme/odoo@${digest}`],
  [only(`ghcr.io/acme/odoo@${digest}`), `ghcr.io/acme/odoo@${digest}`],
  // The registry says which digest the tag names, which is judged then.
  [only(`ghcr.io/acme/odoo@${digest}`), 'ghcr.io/acme/odoo:19.0'],
  [only(digest), 'ghcr.io/acme/odoo:19.0'],
  [only(digest), `ghcr.io/acme/odoo@${digest}`],
])('by %j an image may stand on %s', (rules, reference) => {
  requireAllowed(rules, reference)
})

test.each([
  [undefined, 'registry.example:5000/fairway/odoo:19.0', /older than this agent, update it first/],
  [{ registries: [], baseImages: [] }, 'odoo:19.0', /comes from docker\.io, .*\(registries\) allows none/],
  [{ ...own, registries: ['ghcr.io'] }, 'registry.example:5000/fairway/odoo:19.0', /allows ghcr\.io/],
  [own, 'odoo:19.0', /\(baseImages\) allows registry\.example:5000\/fairway\/odoo\. Who may set policies/],
  [
    own,
    'registry.example:5000/fairway/odoo2:19.0',
    /baseImages: \["registry\.example:5000\/fairway\/odoo2"\]/,
  ],
  [own, 'registry.example:5000/fairway/odoo/evil:19.0', /may not be used/],
  [own, `evil.example/registry.example:5000/fairway/odoo@${digest}`, /may not be used/],
  [own, `evil.example/odoo@registry.example:5000/fairway/odoo@${digest}`, /may not be used/],
  [only(digest), `ghcr.io/acme/odoo@${other}`, /may not be used/],
  [only(`ghcr.io/acme/odoo@${digest}`), 'ghcr.io/acme/other:19.0', /may not be used/],
  [only('ghcr.io/acme/odoo:19.0'), 'ghcr.io/acme/odoo:19.0', /may not be used/],
])('by %j it may not stand on %s', (rules, reference, fault) => {
  expect(() => requireAllowed(rules, reference)).toThrow(fault)
})
