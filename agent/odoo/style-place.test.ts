import { describe, expect, test } from 'vitest'
import { describePlace } from './describe-place.ts'
import { findStyleFault } from './style-fault.ts'
import { uncountedBefore } from './style-lines.ts'
import { findStylePlace } from './style-place.ts'

/** As `AssetsBundle.css` and `get_preprocessor_error` of Odoo 19 write it. */
const served = (error: string, files: readonly string[] = []) => {
  const list = files.map((file) => `\n    - ${file}`).join('')
  const whole = `${error}This error occurred while compiling the bundle 'web.assets_web' containing:${list}`
  const said = whole.replaceAll('"', '\\"').replaceAll('\n', '\\A').replaceAll('*', '\\*')
  return `.a{color:red}\n\n/* ## CSS error message ##*/\nbody::before {\n  content: "A css error occured, using an old style to render this page";\n}\n\ncss_error_message {\n  content: "${said}";\n}\n`
}
const error = (message: string, line: number, code: string) =>
  `Error: ${message}\n        on line ${line}:3 of stdin\n>> ${code}\n   --^\n`

test('a style sheet that Odoo could not compile is the old one with the error inside', () => {
  const text = served(error('Undefined variable: "$skin".', 3, '.o_skin { content: "x"; color: $skin; }'), [
    '/web/static/src/a.scss',
    '/x/static/src/skin.scss',
  ])
  expect(findStyleFault(text)).toEqual({
    said: 'Error: Undefined variable: "$skin".',
    code: '.o_skin { content: "x"; color: $skin; }',
    lines: [3],
    files: ['/web/static/src/a.scss', '/x/static/src/skin.scss'],
  })
  expect(findStyleFault(text.slice(0, text.indexOf('css_error_message')))).toMatchObject({ lines: [] })
  expect(findStyleFault('.a{color:red} /* css_error_message */')).toBeUndefined()
})

describe('the file that does not compile', () => {
  const web = { file: '/web/static/src/a.scss', content: '.a { color: red; }\n.b { color: $o-x; }\n' }
  const skin = { file: '/x/static/src/skin.scss', content: '\n.o_skin { color: $skin; }\n' }
  const find = (text: string, sheets: Parameters<typeof findStylePlace>[1], own = ['x']) =>
    findStylePlace(findStyleFault(text)!, sheets, own)

  test('is told by the line, counted over all files with their headers', () => {
    // 1 header, 2-4 of web, 5 header, 6-8 of the skin.
    const text = served(error('Undefined variable: "$skin".', 7, '.o_skin { color: $skin; }'))
    expect(find(text, [web, skin])).toMatchObject({ file: skin.file, line: 2 })
  })

  // `.b {\n  @include x(\n…` of libsass 3.6.5: each line after it has a number that is too low, and the one of that number is shown.
  test.each([
    ['in a file', 6, ''],
    ['in the line before a file', 5, '/*! x/static/src/skin.scss */'],
    ['in the file before it', 3, '.b { color: $o-x; }'],
  ])('is told by the variable where the compiler lost lines and ends %s', (_, line, code) => {
    const text = served(error('Undefined variable: "$skin".', line, code))
    expect(find(text, [web, skin])).toEqual({ file: skin.file, line: 2, text: '.o_skin { color: $skin; }' })
  })

  test('is told by its line also where the compiler has counted too few, and shows another one', () => {
    const forms = { file: '/web/static/src/forms.scss', content: '.a#{$x},\n.b:not(#{$y}) { color: red; }\n' }
    // 1 header, 2-4 of the forms, of which one is not counted, 5 header, 6-8 of the skin.
    const header = served(error('Undefined variable: "$skin".', 5, '/*! 14 */'))
    const first = { ...skin, content: '.o_skin { color: $skin; }' }
    expect(find(header, [forms, first])).toEqual({ file: skin.file, line: 1, text: first.content })
    const blank = served(error('Undefined variable: "$skin".', 6, ''))
    expect(find(blank, [forms, skin])).toMatchObject({ file: skin.file, line: 2 })
  })

  test('is told by the name that nobody defines where neither helps', () => {
    const company = { file: '/web/static/asset_styles_company_report.scss', content: null }
    const text = (said: string) => served(error(said, 6, '/*! 14 */'))
    expect(find(text('Undefined variable: "$skin".'), [company, skin])).toMatchObject({
      file: skin.file,
      line: 2,
    })
    const mixed = { ...skin, content: '.a { @include skins; }\n.b { @include skin(1); }' }
    expect(find(text('no mixin named skin'), [company, mixed])).toMatchObject({ file: skin.file, line: 2 })
    expect(find(text('Undefined variable: "$ski".'), [company, skin])).toBeUndefined()
  })

  test('is told by what the line holds where a file before it could not be read', () => {
    const text = served(error('Undefined variable: "$skin".', 7, '.o_skin { color: $skin; }'))
    expect(find(text, [{ ...web, content: null }, skin])).toMatchObject({ file: skin.file, line: 2 })
    expect(find(text, [{ ...web, content: '.other {}' }, skin])).toMatchObject({ file: skin.file, line: 2 })
    const unknown = served(error('12px is not a color.', 7, '.o_skin { color: $skin; }'))
    expect(find(unknown, [{ ...web, content: null }, skin, { ...skin, file: '/x/b.scss' }])).toBeUndefined()
    const long = { ...skin, content: '.o_skin {\n  color: $skin;\n}\n' }
    const early = served(error('Undefined variable: "$skin".', 7, '.o_skin {'))
    expect(find(early, [{ ...web, content: null }, long])).toMatchObject({ line: 2, text: '  color: $skin;' })
  })

  test('is the project’s own of those that led there', () => {
    const mixin = 'Error: 12px is not a color.\n        on line 3:3 of stdin, in mixin `a`\n'
    const text = served(`${mixin}        from line 7:4 of stdin\n>> .b { color: $o-x; }\n   --^\n`)
    expect(find(text, [web, skin])).toMatchObject({ file: skin.file, line: 2 })
  })

  test('is Odoo’s own where the project only sets what it stumbles over, which is said', () => {
    const sets = { file: '/x/static/src/vars.scss', content: '// $o-x\n$o-x: 12px;\n' }
    const text = served(error('$o-x: 12px is not a color.', 7, '.b { color: $o-x; }'))
    expect(find(text, [sets, web])).toEqual({
      file: web.file,
      line: 2,
      text: '.b { color: $o-x; }',
      setBy: { name: '$o-x', file: sets.file, line: 2 },
    })
  })

  test.each([
    ['a brace that stays open', '.o_skin { color: red;\n', true],
    ['a comment that does', '.o_skin { color: red; } /* } \n', true],
    ['one brace too many', '.o_skin { color: red; } }\n', true],
    [
      'braces in words',
      '.a { content: "{\\""; } /* { */ // {\n.b { background: url(http://x.test/{); } }\n',
      false,
    ],
  ])('%s is noticed at the end of all', (_name, content, open) => {
    const text = served(error('Invalid CSS after "}": expected "}", was ""', 99, ''))
    const found = find(text, [{ ...skin, content }, web])
    expect(found?.file).toBe(open ? skin.file : undefined)
  })
})

test.each([
  // What libsass 3.6.5 says of a fault behind each.
  ['.a,\n.b#{1} { x: y }', 1],
  ['.a#{1},\n.b { x: y }', 0],
  ['.a#{1},\n.c,\n.b#{2} { x: y }', 2],
  ['.a#{1}, // {\n.b#{2} { x: y }', 1],
  ['.a:not(.b,\n .c)#{1} { x:y }', 1],
  ['.a#{1},\n\n\n.b#{2} { x: y }', 3],
  ['.a {\n  &:hover,\n  &.b-#{1},\n  .c &:d { x: y }\n}', 1],
  ['.a {\n x: f(#{1},\n 2,\n #{3});\n}', 0],
  ['@media (a: #{1}),\n (b: #{2}) { a { x: y} }', 0],
  ['@mixin x($a: #{1},\n $b: #{2}) {x: y}', 0],
  ['/* .a#{1},\n.b#{2} { */ .c { content: "#{";\n}', 0],
])('a compiler that leaves out lines: %j', (text, count) => {
  expect(uncountedBefore(text.split('\n')).at(-1)).toBe(count)
})

test('a file is named by its place in the repository', () => {
  const at = { file: '/x/static/src/skin.scss', line: 2 }
  expect(describePlace(at, { x: 'addons/x' })).toBe('module x, addons/x/static/src/skin.scss:2')
  expect(describePlace(at, { x: '' })).toBe('module x, static/src/skin.scss:2')
  expect(describePlace({ file: '/constructor/static/a.js' }, {})).toBe(
    'module constructor, constructor/static/a.js',
  )
})
