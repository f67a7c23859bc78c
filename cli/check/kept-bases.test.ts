import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type BaseDocument, describeBase } from '../../lib/repository/base-document.ts'
import { openKeptBases, sha256Of } from './kept-bases.ts'

const base: BaseDocument = {
  image: 'registry.example/odoo:19.0',
  digest: `sha256:${'1'.repeat(64)}`,
  odooVersion: '19.0',
  modules: {},
  distributions: {},
  executables: [],
}

async function openFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fairway-kept-bases-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

const keptOf = (document: BaseDocument) => {
  const text = describeBase(document)
  return { odooVersion: '19.0', document: { sha256: sha256Of(text), text } }
}

test('two documents of one digest do not take each other’s place', async () => {
  const folder = await openFolder()
  const named = { ...base, image: 'mirror.example/odoo:19.0' }
  const [one, other] = ['https://a.example', 'https://b.example'].map((server) =>
    openKeptBases(folder, [server]),
  )
  await one?.replace(keptOf(base))
  await other?.replace(keptOf(named))
  expect((await one?.read())?.base).toEqual(base)
  expect((await other?.read())?.base).toEqual(named)
  await one?.replace(undefined)
  expect(await one?.read()).toBeUndefined()
  expect((await other?.read())?.base).toEqual(named)
})

test('a document that is no longer what it was is not there', async () => {
  const folder = await openFolder()
  const kept = openKeptBases(folder, ['https://a.example'])
  const { document, odooVersion } = keptOf(base)
  await kept.replace({ document, odooVersion })
  expect(await readdir(join(folder, 'base-images'))).toContain(`${document.sha256}.json`)
  const other = describeBase({ ...base, odooVersion: '18.0' })
  await writeFile(join(folder, 'base-images', `${document.sha256}.json`), other)
  expect(await kept.read()).toBeUndefined()
})
