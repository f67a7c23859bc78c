import type Docker from 'dockerode'
import { expect, test } from 'vitest'
import { requireHarmless } from './harmless-image.ts'

const native = process.arch === 'x64' ? 'amd64' : process.arch
const image = (config: object, more: object = {}) =>
  ({ Os: 'linux', Architecture: native, Config: config, ...more }) as Docker.ImageInspectInfo

test.each([
  [{}],
  [{ OnBuild: null, Labels: null, Volumes: null }],
  [{ OnBuild: [] }],
  // What the official image has.
  [{ User: 'odoo', Volumes: { '/var/lib/odoo': {}, '/mnt/extra-addons': {} }, Env: ['LANG=en_US.UTF-8'] }],
  [{ Labels: { 'fairway.recipe': 'abc', 'dev.fairway.key': 'abc', maintainer: 'x' } }],
])('takes %j', (config) => {
  requireHarmless(image(config), 'odoo')
})

test.each([
  [image({ OnBuild: ['ADD http://127.0.0.1/ /'] }), /it has ONBUILD instructions/],
  [image({ OnBuild: 'RUN id' }), /it has ONBUILD instructions/],
  [image({ OnBuild: { 0: 'RUN id' } }), /it has ONBUILD instructions/],
  [image({ Labels: { 'fairway.environment': 'x' } }), /it has the label fairway\.environment/],
  [image({ Labels: { a: 'x'.repeat(300_000) } }), /has 293 KiB/],
  [image({ Volumes: { '/': {} } }), /its volume "\/" is no folder/],
  [image({ Volumes: { '/var/../etc': {} } }), /is no folder/],
  [image({ Volumes: { 'var/lib': {} } }), /is no folder/],
  [image({ Volumes: Object.fromEntries([...'abcdefghijklmnopq'].map((name) => [`/${name}`, {}])) }), /17/],
  [image({}, { Os: 'windows' }), /it is for windows\//],
  [image({}, { Architecture: 's390x' }), /it is for linux\/s390x/],
  [image({}, { Architecture: undefined }), /it is for linux\/undefined/],
])('refuses %#', (hostile, fault) => {
  expect(() => requireHarmless(hostile, 'evil/odoo')).toThrow(fault)
  expect(() => requireHarmless(hostile, 'evil/odoo')).toThrow(/^the image evil\/odoo is not used: /)
})
