import { expect, test } from 'vitest'
import { parseId } from '../storage/records.ts'
import { type BaseRecipe, baseIdOf } from './recipe.ts'

const digest = (letter: string) => `sha256:${letter.repeat(64)}`
const recipe: BaseRecipe = {
  image: `registry.example/odoo@${digest('a')}`,
  postgresImage: `registry.example/postgres@${digest('b')}`,
  postgresMajor: 18,
  demo: true,
}

test('a base has an id that a pool takes, and the same for the same recipe', () => {
  const id = baseIdOf(recipe)
  expect(parseId(id)).toBe(id)
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(baseIdOf({ ...recipe })).toBe(id)
})

test('each thing that decides what is in it makes another id', () => {
  const others: Partial<BaseRecipe>[] = [
    { image: `registry.example/odoo@${digest('c')}` },
    { postgresImage: `registry.example/postgres@${digest('c')}` },
    { postgresMajor: 16 },
    { demo: false },
  ]
  const ids = [recipe, ...others.map((other) => ({ ...recipe, ...other }))].map(baseIdOf)
  expect(new Set(ids).size).toBe(ids.length)
})
