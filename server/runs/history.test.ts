import { describe, expect, it } from 'vitest'
import { type Command, History, Mismatch, type RecordedCommand } from './history.ts'

const step = (key: string): Command => ({ type: 'step', key })
const task = (key: string, kind = 'createCell'): Command => ({ type: 'task', key, kind })
const effect = (key: string): Command => ({ type: 'effect', key })
const inOrder = (...commands: Command[]): RecordedCommand[] =>
  commands.map((command, ordinal) => ({ ...command, ordinal }))
const former = (...commands: Command[]): RecordedCommand[] =>
  commands.map((command) => ({ ...command, ordinal: null }))

function replay(recorded: RecordedCommand[], ...commands: Command[]): History {
  const history = new History(
    recorded,
    recorded.every(({ ordinal }) => ordinal === null),
  )
  for (const command of commands) history.ask(command)
  return history
}

const recorded = inOrder(step('database'), effect('hold'), task('create'))

describe('a history', () => {
  it('takes the same commands in the same order, and new ones after them', () => {
    const history = replay(recorded, step('database'), effect('hold'), task('create'))
    expect(history.isAtEnd).toBe(true)
    history.ask(task('apply', 'applyModules'))
    expect(history.add(task('apply', 'applyModules'))).toBe(3)
    history.ask(effect('kept'))
    expect(history.add(effect('kept'))).toBe(4)
  })

  it('answers what is asked for again as the first time', () => {
    replay(recorded, step('database'), effect('hold'), effect('hold'), task('create'), effect('hold'))
  })

  it.each<[string, Command[]]>([
    ['a new one before those on record', [step('database'), effect('new')]],
    ['one that is gone', [step('database'), task('create')]],
    ['another order', [effect('hold')]],
    ['another name', [step('database'), effect('held')]],
    ['another kind of task', [step('database'), effect('hold'), task('create', 'cloneCell')]],
    ['fewer of them', [step('database'), effect('hold'), step('record')]],
  ])('refuses %s', (_, commands) => {
    expect(() => replay(recorded, ...commands)).toThrow(Mismatch)
  })

  it('says what is on record and what was asked for', () => {
    expect(() => replay(recorded, step('database'), task('create'))).toThrow(
      'as command 2 the run has the effect hold on record, and this server asks for the task create (createCell)',
    )
  })

  it('leaves out what was asked for inside another', () => {
    const history = replay([...recorded, ...former(effect('inside'))], ...recorded)
    expect(history.isAtEnd).toBe(true)
  })

  it('compares what was recorded before there were ordinals by its keys alone', () => {
    const before = former(step('database'), effect('hold'), effect('inside'), task('create'), task('apply'))
    const history = replay(before, task('apply'), step('database'), task('create'), effect('hold'))
    // An effect inside another is not asked for again.
    expect(history.isAtEnd).toBe(false)
    expect(history.add(step('smoke'))).toBe(0)
    expect(() => replay(before, step('database'), task('new'))).toThrow(
      'as command 1 the run has the task create (createCell) on record',
    )
  })
})
