import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TaskError } from '../faults/task-error.ts'
import { parseManifest } from './manifest.ts'
import { PythonFloat, PythonOther, type PythonValue, parsePythonLiteral } from './python-literal.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const parse = (text: string) => parseManifest(bytes(text), 'sale_x/__manifest__.py')
const failure = (text: string): string => {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof TaskError) return error.message
    throw error
  }
  throw new Error('nothing was refused')
}

describe('a manifest', () => {
  test('is read with comments, adjacent strings, tuples and nested dictionaries', () => {
    const manifest = parse(`# -*- coding: utf-8 -*-
# Copyright
{
    'name': "Sale " u'é' r'\\d',  # a comment
    'version': '19.0.1.0.0',
    "depends": ('sale', 'stock', 'sale'),
    'data': ['views/a.xml',],
    'external_dependencies': {'python': ['requests'], 'bin': ['wkhtmltopdf']},
    'auto_install': ['sale'],
    'sequence': -5,
    'price': 1_000.5,
    'description': """
several
lines""",
}
`)
    expect(manifest).toEqual({
      name: 'Sale é\\d',
      version: '19.0.1.0.0',
      depends: ['sale', 'stock'],
      installable: true,
      autoInstall: ['sale'],
      countries: [],
      excludes: [],
      externalPython: ['requests'],
      externalBin: ['wkhtmltopdf'],
      writtenVersion: { text: '19.0.1.0.0', isString: true },
      data: ['views/a.xml'],
      demo: [],
      hasHooks: false,
      faults: [],
    })
  })

  test('names what runs when it is installed', () => {
    expect(parse("{'pre_init_hook': 'take_over'}").hasHooks).toBe(true)
    expect(parse("{'post_init_hook': 'fill'}").hasHooks).toBe(true)
    expect(parse("{'post_init_hook': '', 'uninstall_hook': 'clean'}").hasHooks).toBe(false)
  })

  test('may say that it is not installable', () => {
    expect(parse("{'installable': False}")).toMatchObject({ installable: false, depends: [], name: '' })
  })

  test.each([
    [
      "{\n  'name': open('/etc/passwd').read(),\n}",
      '2:11: only literal values are allowed, not a function call',
    ],
    ["{'name': __import__('os')}", '1:10: only literal values are allowed, not a function call'],
    ["{'name': f'{1}'}", 'not an f-string'],
    ['{**x}', 'not `**`'],
    ["{'depends': [x for x in y]}", 'not a comprehension'],
    ["{'name': 'a' + 'b'}", 'not an operator'],
    ["import os\n{'name': 'a'}", 'second statement'],
    ["'doc'\n{'name': 'a'}", '2:1: only one expression'],
    ["{'name': 'a'", 'syntax error'],
    ["{'name': 'a\n'}", 'sale_x/__manifest__.py:2:'],
    ["['name']", 'a manifest is one dictionary'],
    ['', 'holds no value'],
    [`{'a': ${'['.repeat(250)}${']'.repeat(250)}}`, 'nested deeper'],
  ])('is refused (%#)', (source, message) => {
    expect(failure(source)).toContain(message)
  })

  test('that is huge is refused', () => {
    expect(parse(`{'name': 'a', 'description': '${'x'.repeat(300_000)}'}`)).toMatchObject({ name: 'a' })
    expect(failure(`{'a': '${'x'.repeat(5_000_000)}'}`)).toContain('larger than 4 MiB')
  })

  test('that is not UTF-8 is refused', () => {
    expect(() => parseManifest(Uint8Array.of(0x7b, 0xff, 0x7d), 'x')).toThrow('not valid UTF-8')
  })

  test('that begins with a byte order mark is refused for that, and not for the faultless text behind it', () => {
    expect(() => parse("\ufeff{'name': 'A'}")).toThrow(
      /^sale_x\/__manifest__.py: begins with a byte order mark .*: save it as UTF-8 without$/,
    )
  })

  test('of any bytes is read or refused, and nothing else happens', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (content) => {
        try {
          parseManifest(content, 'x')
        } catch (error) {
          expect(error).toBeInstanceOf(TaskError)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('of Python-like text is read or refused', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '(',
      ')',
      ',',
      ':',
      "'a'",
      '"""',
      "'",
      '\\',
      '\n',
      'x',
      '-',
      '1',
      '**',
      'f"{',
      'lambda',
      '#',
      'set()',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        try {
          parse(pieces.join(' '))
        } catch (error) {
          expect(error).toBeInstanceOf(TaskError)
        }
      }),
      { numRuns: 500 },
    )
  })
})

test('what Python prints is read back', () => {
  const value = fc.letrec<{ any: PythonValue }>((tie) => ({
    any: fc.oneof(
      { depthSize: 'small' },
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('any'), { maxLength: 4 }),
      fc.array(fc.tuple(fc.string(), tie('any')), { maxLength: 4 }).map((pairs) => new Map(pairs)),
    ),
  })).any
  fc.assert(
    fc.property(value, (given) => {
      expect(parsePythonLiteral(print(given))).toEqual(given)
    }),
  )
})

function print(value: PythonValue): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string')
    return `'${value.replace(/[\\']/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r')}'`
  if (value instanceof PythonFloat || value instanceof PythonOther) throw new Error('none is made here')
  if (value instanceof Set) return value.size > 0 ? `{${[...value].map(print).join(', ')}}` : 'set()'
  if (Array.isArray(value)) return `[${value.map(print).join(', ')}]`
  return `{${[...value].map(([key, item]) => `${print(key)}: ${print(item)}`).join(', ')}}`
}
