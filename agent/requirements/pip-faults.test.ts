import { expect, test } from 'vitest'
import { parseRequirement } from '../../lib/requirements/requirement.ts'
import { pipFault } from './pip-faults.ts'

const requirements = [
  parseRequirement('Foo>=1', 'requirements.txt:1')!,
  parseRequirement('num2words==1', 'requirements.txt:2')!,
  parseRequirement('num2words==2', 'vendor/requirements.txt:1')!,
  parseRequirement('bar', 'sale_x/__manifest__.py')!,
  { ...parseRequirement('ldap', 'auth_x/__manifest__.py')!, kept: 'python-ldap' },
]

test.each([
  [
    'python-missing',
    `ERROR: Could not find a version that satisfies the requirement foo>=1 (from versions: 0.1, 0.2)
ERROR: No matching distribution found for foo>=1`,
    'no Python package foo>=1: the index has only 0.1, 0.2, or no file of it suits the image; asked for by requirements.txt:1 Foo>=1',
  ],
  [
    'python-missing',
    'ERROR: No matching distribution found for python_ldap',
    'asked for by auth_x/__manifest__.py ldap',
  ],
  [
    'python-conflict',
    'The conflict is caused by:\n    The user requested python-ldap\n    foo 1.0 depends on python-ldap<3',
    'no versions suit everybody: auth_x/__manifest__.py ldap; foo 1.0 depends on python-ldap<3 (requirements.txt:1 Foo>=1)',
  ],
  [
    'python-conflict',
    `ERROR: Cannot install because these package versions have conflicting dependencies.
The conflict is caused by:
    The user requested foo>=1
    bar 2.0 depends on foo<1

To fix this you could try to:`,
    'no versions suit everybody: requirements.txt:1 Foo>=1; bar 2.0 depends on foo<1 (sale_x/__manifest__.py bar)',
  ],
  [
    'python-conflict',
    'The conflict is caused by:\n    The user requested num2words==1\n    The user requested num2words==2',
    'no versions suit everybody: requirements.txt:2 num2words==1; vendor/requirements.txt:1 num2words==2; where vendor/requirements.txt is not yours to change, name it under sources.ignore in fairway.yaml',
  ],
  [
    'python-index-denied',
    'ERROR: HTTP error 401 while getting\nERROR: 401 Client Error: Unauthorized for url: https://u:secret@pypi.example/simple/foo/',
    'refuses https://pypi.example/simple/foo/ (HTTP 401)',
  ],
  [
    'python-index-unavailable',
    "WARNING: Retrying after connection broken by 'NewConnectionError('…')'\nERROR: No matching distribution found for foo",
    'does not answer (NewConnectionError)',
  ],
  [
    'python-index-unavailable',
    'ERROR: HTTP error 503 while getting https://pypi.example/files/403/foo-1.whl',
    'does not answer (HTTP error 503)',
  ],
  [
    'python-index-denied',
    'ERROR: HTTP error 403 while getting https://u:secret@pypi.example/files/foo-1.whl (from https://x/simple/foo/)',
    'refuses https://pypi.example/files/foo-1.whl (HTTP 403)',
  ],
  [
    'python-conflict',
    "WARNING: Retrying after connection broken by 'ReadTimeoutError('…')'\nERROR: Cannot install\nThe conflict is caused by:\n    The user requested foo>=1",
    'no versions suit everybody: requirements.txt:1 Foo>=1',
  ],
  ['python-failed', 'note: fetching 401 things: Connection refused by the build', 'pip failed: note'],
  [
    'python-build-failed',
    'ERROR: Some build dependencies for file:///work/tmp/foo are missing: hatchling>=1.',
    "lacks what builds it: 'hatchling>=1.'",
  ],
  ['python-failed', 'something else', 'pip failed: something else'],
  [
    'python-hash-mismatch',
    `ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.
    foo from https://pypi.example/foo-1.whl:
        Expected sha256 aa
             Got        bb`,
    'a package is not what was pinned: Expected sha256 aa Got        bb; find out why',
  ],
] as const)('%s', (reason, said, message) => {
  const fault = pipFault(said, requirements)
  expect(fault.reason).toBe(reason)
  expect(fault.message).toContain(message.replaceAll("'hatchling>=1.'", 'hatchling>=1.'))
  expect(fault.message).not.toContain('secret')
})

test.each([
  '403 Client Error: Forbidden for url: https://evil.example/login',
  'ERROR: HTTP error 403 while getting https://evil.example/login',
  'WARNING: 401 Error, Credentials not correct for https://evil.example/login',
  "WARNING: Retrying after connection broken by 'NewConnectionError('…')'",
  'ERROR: pip 1.0 is too old',
  'ERROR: THESE PACKAGES DO NOT MATCH THE HASHES',
  'ERROR: No matching distribution found for bar',
  'The conflict is caused by:',
])("a package's build that prints %j decides nothing", (printed) => {
  const said = `  error: subprocess-exited-with-error
  × python setup.py egg_info did not run successfully.
  ╰─> [2 lines of output]
      [end of output]
      ${printed}
      [end of output]
error: metadata-generation-failed`
  const fault = pipFault(said, requirements)
  expect(fault.reason).toBe('python-failed')
  expect(fault.message).not.toContain('credential')
})

test('no credential is asked for on the word of pip', () => {
  const said = 'ERROR: HTTP error 403 while getting https://files.example/foo-1.whl'
  expect(pipFault(said, requirements).message).not.toContain('credential set')
})
