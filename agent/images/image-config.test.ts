import { expect, test } from 'vitest'
import { baseConfigSchema, renderConfig } from './image-config.ts'

const diffId = `sha256:${'a'.repeat(64)}`
const own = `sha256:${'b'.repeat(64)}`

test('of what an image stands on only what runs Odoo is taken over', () => {
  const base = baseConfigSchema.parse({
    architecture: 'amd64',
    os: 'linux',
    created: '2026-01-01T00:00:00Z',
    author: 'somebody',
    container_config: { Cmd: ['x'] },
    config: {
      Env: ['PATH=/bin'],
      Entrypoint: ['entrypoint.sh'],
      Cmd: ['odoo'],
      User: 'odoo',
      WorkingDir: '/var/lib/odoo',
      ExposedPorts: { '22/tcp': {} },
      Healthcheck: { Test: ['CMD', 'x'] },
      Labels: { 'fairway.environment': 'x', 'dev.fairway.key': 'x' },
      OnBuild: ['RUN x'],
      Shell: ['x'],
      StopSignal: 'SIGUSR1',
      Volumes: { '/var/lib/odoo/filestore': {} },
    },
    history: [{ created_by: 'x' }],
    rootfs: { type: 'layers', diff_ids: [diffId] },
  })
  const text = renderConfig(base, [{ diffId: own, createdBy: 'ours' }], { b: 'one\ntwo', a: '1' })
  expect(JSON.parse(text)).toEqual({
    architecture: 'amd64',
    os: 'linux',
    created: '1970-01-01T00:00:00Z',
    config: {
      Env: ['PATH=/bin'],
      Entrypoint: ['entrypoint.sh'],
      Cmd: ['odoo'],
      User: 'odoo',
      WorkingDir: '/var/lib/odoo',
      Labels: { a: '1', b: 'one two' },
    },
    rootfs: { type: 'layers', diff_ids: [diffId, own] },
    history: [
      { created: '1970-01-01T00:00:00Z', created_by: 'below' },
      { created: '1970-01-01T00:00:00Z', created_by: 'ours' },
    ],
  })
  expect(renderConfig(base, [{ createdBy: 'ours', diffId: own }], { a: '1', b: 'one\ntwo' })).toBe(text)
})
