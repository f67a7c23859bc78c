import { expect, test } from 'vitest'
import { showManifests, shownFolder } from './source-names.ts'

test.each([
  ['addons/sale_x', 'addons/sale_x'],
  ['.fairway-sources/web/sale_x', 'sale_x of web'],
  ['.fairway-sources/web/addons/sale_x', 'sale_x of web/addons'],
  ['.fairway-sources/oca/web/sale_x', 'sale_x of oca/web'],
  // The repository itself is the addon.
  ['.fairway-sources/desk_notes', 'desk_notes'],
])('the folder %s is shown as %s', (path, shown) => {
  expect(shownFolder(path)).toBe(shown)
})

test.each<readonly [string, string]>([
  [
    'left out: .fairway-sources/sale/odd/__manifest__.py:1:9: syntax error',
    'left out: odd/__manifest__.py:1:9 of sale: syntax error',
  ],
  [
    'the module x (.fairway-sources/oca/web/x/__openerp__.py) has version 16, needed by shop → x',
    'the module x (x/__openerp__.py of oca/web) has version 16, needed by shop → x',
  ],
  [
    '.fairway-sources/desk_notes/__manifest__.py asks for "x"; .fairway-sources/web/y/__manifest__.py asks for "z"',
    '__manifest__.py of desk_notes asks for "x"; y/__manifest__.py of web asks for "z"',
  ],
  // What one writes into fairway.yaml, and what fairway.lock says.
  ...[
    '.fairway-sources/web/requirements.txt:1 is no package; or name .fairway-sources/web/requirements.txt under sources.ignore',
    'fairway.lock: .fairway-sources/oca/web is pinned, but nothing asks for it any more',
    'addons/x/__manifest__.py:1: no',
  ].map((text) => [text, text] as const),
])('%s', (text, shown) => {
  expect(showManifests(text)).toBe(shown)
})
