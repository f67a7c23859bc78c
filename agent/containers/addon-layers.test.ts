import { expect, test } from 'vitest'
import { layersOf } from './addon-layers.ts'

const addon = (path: string, source = '') => ({ name: path.split('/').at(-1)!, path, source })
const names = (layers: { name: string }[][]) => layers.map((layer) => layer.map(({ name }) => name).join())

test('each repository is a layer, the own addons the last', () => {
  const addons = [
    addon('own/a'),
    addon('.s/web/b', '.s/web'),
    addon('oca/sale/c'),
    addon('oca/sale/d'),
    addon('e'),
  ]
  expect(names(layersOf(addons, ['oca/sale', 'oca/sale/inner'], 20))).toEqual(['b', 'c,d', 'a,e'])
})

test('no image gets more layers than Docker takes', () => {
  const many = Array.from({ length: 200 }, (_, index) =>
    addon(`s/r${String(index).padStart(3, '0')}/x${index}`, `r${index}`),
  )
  const layers = layersOf([...many, addon('own')], [], 100)
  expect(layers).toHaveLength(20)
  expect(layers.flat()).toHaveLength(201)
  expect(names(layers).at(-1)).toBe('own')
  expect(layersOf([...many, addon('own')], [], 126).length).toBe(2)
})
