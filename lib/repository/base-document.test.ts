import { expect, test } from 'vitest'
import { type BaseDocument, describeBase, parseBaseDocument } from './base-document.ts'

const base: BaseDocument = {
  image: 'registry.example/odoo:19.0',
  digest: `sha256:${'1'.repeat(64)}`,
  odooVersion: '19.0',
  modules: {
    sale: {
      file: '/usr/lib/python3/dist-packages/odoo/addons/sale/__manifest__.py',
      depends: ['account'],
      installable: true,
      countries: [],
      excludes: [],
      version: '1.2',
      writtenVersion: { text: '1.2', isString: true },
      externalPython: [],
      externalBin: [],
      faults: [],
      neutralize: false,
      unread: '',
    },
    sale_account: {
      file: '/mnt/extra-addons/sale_account/__manifest__.py',
      depends: [],
      installable: false,
      autoInstall: [],
      countries: ['BE'],
      excludes: ['sale'],
      version: '',
      writtenVersion: { text: '', isString: false },
      externalPython: ['zeep'],
      externalBin: ['rtlcss'],
      faults: [{ stops: true, what: '`name` is missing' }],
      neutralize: true,
      unread: 'it is not read',
    },
  },
  distributions: { zeep: '4.0' },
  executables: ['python3'],
}

test('what a base image has comes back as it was, and shorter where modules are as most are', () => {
  const text = describeBase(base)
  expect(parseBaseDocument(text)).toEqual(base)
  expect(JSON.parse(text).modules.sale).toEqual({
    file: base.modules.sale?.file,
    depends: ['account'],
    version: '1.2',
    writtenVersion: { text: '1.2', isString: true },
  })
})

test.each(['', '{', '[]', '{}', JSON.stringify({ ...base, modules: { sale: {} } })])(
  'what is none is no document: %s',
  (text) => expect(parseBaseDocument(text)).toBeUndefined(),
)
