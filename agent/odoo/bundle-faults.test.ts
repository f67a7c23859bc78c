import { describe, expect, test } from 'vitest'
import { findMissingModules, findScriptFaults, isBundle, saysStyleFailed } from './bundle-faults.ts'

const file = (path: string, content: string) => `\n/* ${path} */\n${content}`
const templates = (content: string) =>
  `\n\nodoo.define("web.assets_web.bundle.xml", ["@web/core/templates"], function(require) {\n"use strict";\n/* web.assets_web */\n${content}\n});`
const core = file('/web/static/src/core/templates.js', 'odoo.define("@web/core/templates",[],function(){})')

describe('a bundle of scripts', () => {
  test.each<[string, string, RegExp | undefined]>([
    [
      'all well',
      core + templates('registerTemplate("a", `/a.xml`, `<t>throw new Error("x")</t>`);'),
      undefined,
    ],
    [
      'a file that is not there',
      file('/x/a.js', `console.error("'File /x/a.js does not exist.' in file '/x/a.js'");`),
      /\/x\/a\.js does not exist/,
    ],
    [
      'words of the code itself',
      file('/x/a.js', 'console.error("Could not save");console.error("")'),
      undefined,
    ],
    [
      'a template that is no XML',
      core + templates(`throw new Error("\\"Invalid XML template: Opening tag\\" in file '/x/a.xml'");`),
      /Invalid XML template: Opening tag" in file '\/x\/a\.xml'/,
    ],
    [
      'a template to extend that is not there',
      core + templates('console.error("Missing (extension) parent templates: web.Nope");'),
      /extension.*web\.Nope/,
    ],
    [
      'a template to copy that is not there',
      core + templates('checkPrimaryTemplateParents(["web.Nope"]);'),
      /primary.*web\.Nope/,
    ],
    [
      'a fault of syntax',
      core + file('/x/b.js', 'let a = ;') + file('/x/c.js', 'let b = 1'),
      /^\/x\/b\.js: SyntaxError: /,
    ],
    [
      'a bracket that stays open',
      core + file('/x/b.js', 'f(function () {') + file('/x/c.js', 'let b = 1'),
      /^\/x\/b\.js: SyntaxError: /,
    ],
  ])('%s', (_name, text, expected) => {
    const faults = findScriptFaults(text)
    if (expected) expect(faults.map(({ said }) => said).join('\n')).toMatch(expected)
    else expect(faults).toEqual([])
  })

  test.each<[string, string, string]>([
    [
      'a file that is not there',
      `console.error("'Could not get content for x/static/src/a.js.' in file 'x/static/src/a.js'");`,
      '/x/static/src/a.js',
    ],
    [
      'a template that is no XML',
      core +
        templates(
          `throw new Error("\\"Invalid XML template: Opening tag\\" in file '/x/static/src/a.xml'");`,
        ),
      '/x/static/src/a.xml',
    ],
    [
      'a template to extend that is not there',
      core +
        templates(
          'registerTemplateExtension("web.Nope", `/x/static/src/b.xml`, `<t/>`);\nconsole.error("Missing (extension) parent templates: web.Nope, web.No");',
        ),
      '/x/static/src/b.xml',
    ],
    [
      'a template to copy that is not there',
      core +
        templates(
          'registerTemplate("x.a", `/x/static/src/a.xml`, `<t/>`);\nregisterTemplate("x.c", `/x/static/src/c.xml`, `<t t-name="x.c" t-inherit="web.Nope"/>`);\ncheckPrimaryTemplateParents(["web.Nope"]);',
        ),
      '/x/static/src/c.xml',
    ],
    ['a fault of syntax', core + file('/x/static/src/b.js', 'let a = ;'), '/x/static/src/b.js'],
  ])('the file of %s is known', (_name, text, expected) => {
    expect(findScriptFaults(text).map(({ file }) => file)).toEqual([expected])
  })

  test('nothing of it is run', () => {
    expect(findScriptFaults('globalThis.wasRun = true')).toEqual([])
    expect(globalThis).not.toHaveProperty('wasRun')
  })
})

test('bundles are told from other files, and a page of before 17 says that its style failed', () => {
  expect(['/web/assets/1/a.min.css', '/web/content/12-ab/a.js', '/x/static/a.css'].map(isBundle)).toEqual([
    true,
    true,
    false,
  ])
  expect(saysStyleFailed('<script>window.__assetsBundleErrorSeen = true;</script>')).toBe(true)
})

test('a module that no bundle of the page defines is missed by those that need it', () => {
  const needs = file('/x/b.js', "odoo.define('@x/b',['@web/core/templates','@web/nope'],function(require){})")
  expect(findMissingModules([needs])).toHaveLength(2)
  expect(findMissingModules([core, needs])).toEqual([
    { said: 'the module @x/b needs @web/nope, which no bundle has', file: '/x/static/src/b.js' },
  ])
  const former = "odoo.define('x.b', function (require) { var a = [require('x.a')] })"
  expect(findMissingModules([former])).toEqual([])
})
