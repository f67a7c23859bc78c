import { expect, test } from 'vitest'
import { hostnamesOf } from './hostnames.ts'

const domains = { domain: 'erp.example', previewDomain: 'erp-previews.example' }

test('production is at the project’s name, and everything else below the preview domain', () => {
  const of = (stage: 'production' | 'staging' | 'development', environment: string) =>
    hostnamesOf({ stage, environment, project: 'shop' }, domains)
  expect(of('production', 'production')).toEqual(['shop.erp.example', 'production.shop.erp.example'])
  expect(of('staging', 'release-1-0')).toEqual(['release-1-0.shop.erp-previews.example'])
  expect(of('development', 'feature-x')).toEqual(['feature-x.shop.erp-previews.example'])
})
