import { expect, test } from 'vitest'
import { judgeManifest } from './judge-manifest.ts'
import { ManifestError, parseManifest } from './manifest.ts'

const around = (more: string) =>
  `{'name': 'A', 'version': '19.0.1.0.0', 'depends': ['base'], 'author': 'E', 'license': 'LGPL-3'${more}}`

/** What becomes of a module with this manifest: read, refused as a text, or judged as Odoo 19.0 would. */
function fate(text: string | Uint8Array): string {
  try {
    const content = typeof text === 'string' ? new TextEncoder().encode(text) : text
    const { stops, unfit } = judgeManifest(parseManifest(content, 'm'), '19.0')
    return stops ? 'stops Odoo' : unfit !== undefined ? 'unfit' : 'fits'
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error
    return { skips: 'unreadable', stops: 'stops Odoo', takes: 'too much' }[error.odoo]
  }
}

// Each as Odoo 19.0 has it: its own `ast.literal_eval`, and `initialize` on a database.
test.each<[string, string | Uint8Array]>([
  ['fits', `# -*- coding: utf-8 -*-\n# Copyright\n\n${around('')}\n# end\n`],
  ['fits', around(", 'summary': 'one '\n  # between\n  'two' \"three\"")],
  ['fits', around(", 'description': '''{ it's \"so\" \\\\d \\\\\\\\ } % $ ''', 'x': \"\"\"\n\"\"\"")],
  ['fits', "{'name': 'A', 'depends': ('base', 'web'), 'data': {'a.xml'}, 'tags': ()}"],
  ['fits', "{u'name': u'A', 'summary': R'\\raw', 'description': r'''\\N{x}'''}"],
  ['fits', around(",\r\n 'summary': 'x',\r\n")],
  ['fits', around(', ')],
  ['fits', `# head\r${around(",\r 'summary': 'x'\r")}`],
  ['fits', `   \t${around('')}`],
  ['fits', around(", 'summary': 'a \\N{BULLET} b'")],
  ['fits', "{'name': 'A', \\\n 'depends': \\\n ['base']}"],
  ['fits', `(${around('')})`],
  [
    'fits',
    around(
      ", 'sequence': 0x10, 'a': -1, 'b': 1e3, 'c': 1_000, 'd': 0o17, 'e': 0b11, 'f': 00, 'g': 1., 'h': +1",
    ),
  ],
  ['fits', around(", 'x': 01.5, 'y': -1e999, 'z': 0xFF_FF")],
  ['fits', around(", 'x': b'abc'")],
  ['fits', around(", 'x': set()")],
  ['fits', around(", 'x': 1+2j, 'y': ...")],
  ['fits', around(", (1, 2): 2, b'a': 3")],
  ['fits', around(", 'x': '\\ud83d \\777 \\d'")],
  ['fits', around(`, 'x': ${'['.repeat(150)}${']'.repeat(150)}`)],
  ['fits', "{'name': 'A', 'depends': ['mail'], 'depends': ['base']}"],
  ['fits', "{'name': 'A', 'version': 1.0}"],
  ['fits', "{'name': 'A', 'depends': None, 'external_dependencies': None, 'website': None}"],
  ['fits', "{'name': 'A', 'installable': None, 'version': '1'}"],
  ['fits', "{'name': 'Größe 尺寸 🚚', 'summary': '\\u00e9\\U0001F69A\\x41\\101'}"],
  ['fits', around(", 'auto_install': ['base']")],
  ['fits', `\f${around('')}`],
  ['fits', around(`, 'description': '${'x'.repeat(300_000)}'`)],
  ['fits', around(", 'author': ['A', 'B'], 'name': None, 'summary': ['x']")],
  ['fits', around(", 'sequence': '10', 'application': None, 'depends': {'base': 1}")],
  ['unreadable', `\ufeff${around('')}`],
  ['unreadable', "dict(name='A')"],
  ['unreadable', "{'name': 'A' + 'B'}"],
  ['unreadable', "{'name': f'A'}"],
  ['unreadable', "V = '1'\n{'name': 'A', 'version': V}"],
  ['unreadable', `${around('')}\nprint('x')\n`],
  ['unreadable', "{**{'name': 'A'}}"],
  ['unreadable', Buffer.from(around(", 'summary': 'gr\xf6\xdfe'"), 'latin1')],
  ['unreadable', "{'name': 'A',, 'depends': []}"],
  ['unreadable', "{'name': 'A' 'depends': []}"],
  ['unreadable', ''],
  ['unreadable', around(", 'x': --1")],
  ['unreadable', around(", 'x': +True")],
  ['unreadable', around(", 'x': ur'a'")],
  ['unreadable', around(", 'x': 'a' b'b'")],
  ['unreadable', around(", 'x': '\\x1'")],
  ['unreadable', around(', [1]: 2')],
  ['unreadable', around(", 'x': {[1]}")],
  ['unreadable', around(", 'x': (y:=1)")],
  ['unreadable', around(", 'x': 010")],
  ['unreadable', around(", 'x': set([1])")],
  ['unreadable', around(`, 'x': ${'['.repeat(250)}${']'.repeat(250)}`)],
  ['unreadable', `${around('')};`],
  ['fits', `${around('')}\\\n\n`],
  ['fits', `${around('')}# \\\n`],
  ['fits', around(`, 'x': ${'1'.repeat(4300)}`)],
  ['fits', around(", 'version': '19.0.1\\x85'")],
  ['unreadable', `${around('')}\n  `],
  ['unreadable', `${around('')}\n\\\n\t`],
  ['unreadable', `${around('')}\\\n`],
  ['unreadable', `${around('')}\n\\\n`],
  ['unreadable', around(`, 'x': ${'1'.repeat(4301)}`)],
  ['stops Odoo', `${around('')},`],
  ['stops Odoo', `${around('')},\n# end\n`],
  ['stops Odoo', `(${around('')},)`],
  ['stops Odoo', "['a']"],
  ['stops Odoo', "'a'"],
  ['stops Odoo', 'None'],
  ['stops Odoo', around(", 'version': '19.0.\\ufeff1'")],
  ['stops Odoo', around(", 'version': 0.00001")],
  ['stops Odoo', around(", 'version': 1e16")],
  ['too much', around(`, 'x': [${'1,'.repeat(50_001)}]`)],
  ['too much', around(`, 'x': '${'x'.repeat(4 * 1024 ** 2)}'`)],
  ['stops Odoo', "{'version': '19.0.1.0.0'}"],
  ['stops Odoo', around(", 'auto_install': 'base'")],
  ['stops Odoo', around(", 'auto_install': ['web']")],
  ['stops Odoo', around(", 'name': b'x'")],
  ['stops Odoo', around(", 'summary': set()")],
  ['stops Odoo', around(", 'category': None")],
  ['stops Odoo', around(", 'category': ['x']")],
  ['stops Odoo', around(", 'sequence': 'x'")],
  ['stops Odoo', around(", 'application': 1")],
  ['stops Odoo', around(", 'depends': 5")],
  ['stops Odoo', around(", 'version': None")],
  ['stops Odoo', around(", 'version': 1")],
  ['unfit', around(", 'depends': 'base'")],
  ['unfit', around(", 'depends': ['--load=x']")],
  ['unfit', around(", 'depends': [1]")],
  ['unfit', around(", 'external_dependencies': ['requests']")],
  ['unfit', around(", 'external_dependencies': {'python': 'requests'}")],
  ['unfit', around(", 'data': None")],
  ['unfit', around(", 'data': 'a.xml'")],
  ['unfit', around(", 'version': '19.0'")],
])('%s: %#', (expected, text) => {
  expect(fate(text)).toBe(expected)
})

test('what installs itself is what Odoo takes for it', () => {
  const auto = (more: string) =>
    parseManifest(Buffer.from(`{'name': 'A', 'depends': ['base', 'sale'], ${more}}`), 'm').autoInstall
  expect(auto("'auto_install': True")).toEqual(['base', 'sale'])
  expect(auto("'auto_install': ('sale',)")).toEqual(['sale'])
  expect(auto("'auto_install': {'sale': 1}")).toEqual(['sale'])
  expect(auto("'auto_install': []")).toEqual([])
  expect(auto("'auto_install': None")).toEqual([])
  expect(auto("'auto_install': 0")).toEqual([])
  expect(auto("'auto_install': False")).toBeUndefined()
  expect(auto('')).toBeUndefined()
})

test('what is installable is what Python takes for true', () => {
  const installable = (value: string) =>
    parseManifest(Buffer.from(`{'name': 'A', 'installable': ${value}}`), 'm').installable
  const no = ['None', '0', "''", '[]', '{}', '0.0', 'False', '0j', "b''", 'set()']
  const yes = ['True', '1', "'False'", '[0]', '1j', "b'0'", '...']
  expect(no.filter(installable)).toEqual([])
  expect(yes.filter(installable)).toEqual(yes)
})
