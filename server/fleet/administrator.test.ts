import { create, fromJson, toJsonString } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { TaskResultSchema } from '../../proto/gen/fairway/agent/v1/link_pb.js'
import { AdministratorPasswordSchema, TaskOutputSchema } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'
import { messagesWith } from '../../test/support/messages-with.ts'
import { takeOutAdministrator } from './administrator.ts'

const made = { login: 'admin', password: 'canary-4711' }
const withPassword = [...messagesWith(TaskOutputSchema, AdministratorPasswordSchema, made)]

// An output is kept and shown as it is: whatever kind of task makes a password, and wherever it says so.
describe.each(withPassword)('the password in $path', ({ json }) => {
  it.each(['output', 'found'] as const)('is taken out of a result’s %s', (place) => {
    const result = create(TaskResultSchema, { [place]: fromJson(TaskOutputSchema, json) })
    const taken = takeOutAdministrator(result)
    expect(toJsonString(TaskResultSchema, result)).not.toContain(made.password)
    if (place === 'output') expect(taken?.administrator).toMatchObject(made)
  })
})

it('is there to be tried', () => {
  expect(withPassword.map(({ path }) => path)).toEqual([
    'applyModules.administrator',
    'neutralize.administrator',
  ])
})
