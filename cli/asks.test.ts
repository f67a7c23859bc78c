import { Command } from 'commander'
import { expect, test } from 'vitest'
import { nouns, plainVerbs } from './nouns.ts'
import { addVerbOptions } from './verb-options.ts'

/** Verbs that destroy, stop, take away or approve something. A new verb goes into this list or the next. */
const asking = [
  'approval approve',
  'approval break-glass',
  'credential delete',
  'env destroy',
  'env stop',
  'evidence keys', // with --rotate
  'host revoke',
  'member remove',
  'member revoke-grant',
  'policy set',
  'project delete', // by the project's name
  'project update', // with --rotate-webhook-secret
  'project webhook', // to rotate
  'release promote',
  'release restore',
  'rollback',
  'run abandon',
  'secret delete',
  'token revoke',
]

/** Verbs that read, begin or add, or whose effect the same noun's other verb takes back. */
const free = [
  ...['access explain', 'approval close-review', 'approval list', 'approval reject', 'approval show'],
  ...['audit checkpoint', 'audit export', 'audit list', 'audit show', 'audit verify', 'branch list'],
  ...[
    'build cancel',
    'build list',
    'build rebuild',
    'build show',
    'build start',
    'build watch',
    'completion',
  ],
  'check',
  ...['credential list', 'credential set', 'env list', 'env open', 'env show', 'env start'],
  ...['evidence list', 'evidence pull', 'evidence show', 'evidence verify'],
  ...['host join-token', 'host list', 'host show', 'lock', 'login', 'logout', 'logs'],
  ...['member add', 'member grant', 'member grants', 'member invite', 'member list', 'member recover'],
  ...['policy history', 'policy show', 'policy test'],
  ...[
    'project archive',
    'project check',
    'project create',
    'project list',
    'project pin',
    'project rename',
    'project show',
  ],
  'project unarchive',
  ...['release history', 'release plan', 'release rehearsal', 'release rehearse', 'release request'],
  ...[
    'report access',
    'report releases',
    'report restores',
    'run cancel',
    'run list',
    'run retry',
    'run show',
    'run watch',
  ],
  ...['secret list', 'secret reveal', 'secret rotate', 'secret rotate-keys', 'secret set'],
  'snapshot list',
  ...['token create', 'token list', 'whoami'],
]

const loads = [
  ...Object.entries(nouns).flatMap(([noun, { verbs }]) =>
    Object.entries(verbs).map(([verb, load]) => [`${noun} ${verb}`, load] as const),
  ),
  ...Object.entries(plainVerbs).map(([verb, { load }]) => [verb, load] as const),
]

test('somebody has thought about every verb', () => {
  expect(loads.map(([name]) => name).sort()).toEqual([...asking, ...free].sort())
})

test.each(loads)('%s asks, or does not, as the lists say', async (name, load) => {
  const { command: definition } = await load()
  expect(definition.asks !== undefined).toBe(asking.includes(name))
  const command = new Command('test')
  addVerbOptions(command, definition)
  const takesYes = command.options.some(({ long }) => long === '--yes')
  expect(takesYes).toBe(definition.asks === 'yes')
})
