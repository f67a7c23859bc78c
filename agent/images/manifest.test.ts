import { expect, test } from 'vitest'
import { configType, layerType, maxLayers, parseManifest, renderManifest } from './manifest.ts'

const digest = `sha256:${'a'.repeat(64)}`
const docker = 'application/vnd.docker.image.rootfs.diff.tar.gzip'
const config = { mediaType: configType, digest, size: 2 }
const layer = { mediaType: docker, digest, size: 3 }
const parse = (manifest: object) => parseManifest(JSON.stringify({ schemaVersion: 2, ...manifest }))

test('layers of Docker are what OCI calls otherwise', () => {
  expect(parse({ config, layers: [layer] })).toEqual({
    manifest: { schemaVersion: 2, config, layers: [{ ...layer, mediaType: layerType }] },
  })
  expect(renderManifest(config, [{ ...layer, mediaType: layerType }])).toBe(
    renderManifest({ ...config }, [{ size: 3, digest, mediaType: layerType }]),
  )
})

test('an image for several platforms names one for each', () => {
  const amd64 = { mediaType: 'x', digest, size: 1, platform: { os: 'linux', architecture: 'amd64' } }
  expect(parse({ manifests: [amd64] })).toEqual({ manifests: [amd64] })
})

test.each([
  ['an old form', { schemaVersion: 1, fsLayers: [{ blobSum: digest }], history: [] }],
  ['a layer at an address of its own', { config, layers: [{ ...layer, urls: ['http://169.254.169.254/'] }] }],
  [
    'a foreign layer',
    {
      config,
      layers: [{ ...layer, mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' }],
    },
  ],
  ['an image at an address of its own', { manifests: [{ ...layer, urls: ['http://169.254.169.254/'] }] }],
  ['no layer', { config, layers: [] }],
  ['too many layers', { config, layers: Array(maxLayers + 1).fill(layer) }],
  ['a digest that is a path', { config: { ...config, digest: '../../secret' }, layers: [layer] }],
  ['an enormous configuration', { config: { ...config, size: 2 ** 30 }, layers: [layer] }],
  ['something else than an image', { config: { ...config, mediaType: 'text/plain' }, layers: [layer] }],
])('%s is not taken', (_, manifest) => {
  expect(parse(manifest)).toBeUndefined()
})
