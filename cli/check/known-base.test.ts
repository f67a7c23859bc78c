import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient, createRouterTransport } from '@connectrpc/connect'
import { expect, onTestFinished, test } from 'vitest'
import { type BaseDocument, describeBase } from '../../lib/repository/base-document.ts'
import { LockService } from '../../proto/gen/fairway/v1/locks_pb.js'
import { ProjectService } from '../../proto/gen/fairway/v1/projects_pb.js'
import { createFindings } from './findings.ts'
import { sha256Of } from './kept-bases.ts'
import { type Asking, findBase, plainUrl } from './known-base.ts'
import { openMemory } from './memory.ts'

test('one repository has one address, however it is written', () => {
  const written = [
    'https://git.example/acme/Shop.git',
    'https://me:token@git.example/acme/shop',
    'git@git.example:acme/shop.git',
    'ssh://git@git.example/acme/shop/',
  ]
  expect([...new Set(written.map(plainUrl))]).toEqual(['git.example/acme/shop'])
  expect(plainUrl('https://git.example:8443/acme/shop')).toBe('git.example:8443/acme/shop')
  expect(plainUrl('/srv/git/shop.git')).toBe('/srv/git/shop')
})

const base: BaseDocument = {
  image: 'odoo:19.0',
  digest: `sha256:${'1'.repeat(64)}`,
  odooVersion: '19.0',
  modules: {},
  distributions: {},
  executables: [],
}

/** What becomes of what a server says. */
async function askThoseWho(...answers: { document: string; sha256: string }[]) {
  const folder = await mkdtemp(join(tmpdir(), 'fairway-known-base-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const { signal } = new AbortController()
  const memory = openMemory(folder, createFindings(signal))
  const known = []
  for (const answer of answers) {
    const transport = createRouterTransport(({ rpc }) => {
      rpc(ProjectService.method.getProject, () => ({ project: { name: 'shop', odooVersion: '19.0' } }))
      rpc(LockService.method.getBaseImage, () => answer)
    })
    const session: Asking = {
      server: 'https://fairway.example',
      signal,
      found: { token: 'token' },
      client: async (service) => createClient(service, transport),
    }
    const wanted = { project: 'shop', remote: '', image: 'odoo:19.0', offline: false }
    known.push(await findBase(session, wanted, memory))
  }
  return known
}

test('a document is believed as the server named it, and for the image that was asked for', async () => {
  const [document, other] = [describeBase(base), describeBase({ ...base, image: 'odoo:18.0' })]
  const whole = { document, sha256: sha256Of(document) }
  const same = { document: '', sha256: whole.sha256 }
  const [first, again] = await askThoseWho(whole, same)
  expect(first).toEqual({ base, odooVersion: '19.0', from: 'https://fairway.example' })
  expect(again).toEqual(first)
  const unknown = [
    { document: other, sha256: whole.sha256 },
    { document: other, sha256: sha256Of(other) },
    same,
  ]
  for (const [index, answer] of unknown.entries()) {
    const [said] = await askThoseWho(answer)
    expect(said, `${index}`).toMatchObject({ base: undefined, from: '' })
    expect(said?.note).toMatch(
      index === 1 ? /knows the base image odoo:18\.0 alone$/ : /is damaged or not understood/,
    )
  }
})
