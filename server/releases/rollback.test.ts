import { expect, test } from 'vitest'
import type { ContentsRecord, Deployment } from '../db/record.ts'
import type { Production } from './production.ts'
import type { ReleaseRow } from './release-rows.ts'
import { planRollback } from './rollback.ts'

const deployed = (more: Partial<Deployment>) =>
  ({
    runId: 'run',
    digest: 'sha256:new',
    baseImage: 'new',
    modules: ['base', 'shop', 'web'],
    addonTrees: { shop: 's1' },
    ...more,
  }) as unknown as Deployment

const seen: ContentsRecord = {
  installed: ['base', 'shop', 'web'],
  chosen: ['shop'],
  recorded: true,
  baseImage: 'new',
  addons: { shop: 's1' },
}

/** Why it is not gone back to `target`, of which nothing has changed the data since. */
function refusal(current: Deployment, target: Deployment, record = seen): string {
  const environment = { name: 'main', cell_id: 'cell' } as Production['environment']
  const rows = [
    { number: 2, deployment: current },
    { number: 1, deployment: target },
  ] as ReleaseRow[]
  const place = { project: 'shop', production: { environment, deployment: current, seen: record } }
  return planRollback(place, rows, rows[1]!, false).refusal
}

test('another base image brought what the older one lacks, whether the project names it or not', () => {
  const image = ['base', 'web']
  const current = deployed({ imageModules: [...image, 'web_tour'] })
  const target = deployed({ baseImage: 'old', modules: ['base', 'shop'], imageModules: image })
  expect(refusal(current, target)).toBe('')
  const more = { ...seen, installed: [...seen.installed, 'web_tour'] }
  expect(refusal(current, target, more)).toMatch(/^web_tour was installed since/)
})

test('a release of before names nothing that Odoo installs by itself, and had it all the same', () => {
  const modules = ['base', 'shop', 'web', 'web_tour']
  const record = { ...seen, installed: modules }
  const target = deployed({ baseImage: 'old', modules: ['base', 'shop'] })
  const current = deployed({ modules, autoInstalled: ['web', 'web_tour'], imageModules: modules })
  expect(refusal(current, target, record)).toBe('')
  expect(refusal({ ...current, autoInstalled: ['web'] }, target, record)).toMatch(/^web_tour was installed/)
})

test('what has left the base image since is in the older one', () => {
  const current = deployed({ imageModules: ['base', 'web'], addonTrees: { shop: 's1', extra: 'e1' } })
  const record = { ...seen, installed: [...seen.installed, 'extra'], addons: { shop: 's1', extra: 'e1' } }
  const target = deployed({ baseImage: 'old', imageModules: ['base', 'extra', 'web'] })
  expect(refusal(current, target, record)).toBe('')
  expect(refusal(current, { ...target, imageModules: ['base', 'web'] }, record)).toMatch(/^extra was/)
})
