import type Docker from 'dockerode'
import { expect, test } from 'vitest'
import { labelsOfOwner, ownerOfContainer, secretsOf, withSecrets } from './container-secrets.ts'

test('secrets are variables that a label names, and never one of ours', () => {
  const options = withSecrets(
    { Env: ['PGPASSWORD=ours', 'HOST=db'] },
    { STRIPE_KEY: 'sk=live', PGPASSWORD: 'theirs', API_TOKEN: 'a\nb' },
  )
  expect(options.Env).toEqual(['PGPASSWORD=ours', 'HOST=db', 'API_TOKEN=a\nb', 'STRIPE_KEY=sk=live'])
  const inspected = { Config: { Env: options.Env, Labels: options.Labels } }
  expect(secretsOf(inspected as unknown as Docker.ContainerInspectInfo)).toEqual(['a\nb', 'sk=live'])
})

test('a container without secrets stays as it is', () => {
  const options = { Env: ['HOST=db'] }
  expect(withSecrets(options, {})).toBe(options)
})

test('whose they are is on the container; one of an agent of before tells its environment', () => {
  const owner = { projectId: 'p', environmentId: 'e' }
  expect(ownerOfContainer(labelsOfOwner(owner))).toEqual(owner)
  expect(ownerOfContainer({ ...labelsOfOwner(owner), 'fairway.environment': 'other' })).toEqual(owner)
  expect(ownerOfContainer({ 'fairway.environment': 'e' })).toEqual({ projectId: '', environmentId: 'e' })
  expect(ownerOfContainer({})).toEqual({ projectId: '', environmentId: '' })
})
