import { describe, expect, test } from 'vitest'
import { createRepositoryScan } from './repository-scan.ts'

const place = { object: 'repository', slug: 'full_name', id: 'id' }
const none = { slug: undefined, id: undefined }

/** In pieces of so many bytes. */
function scan(text: string, size = text.length || 1) {
  const body = Buffer.from(text)
  const { write, found } = createRepositoryScan(place)
  for (let at = 0; at < body.length; at += size) write(body.subarray(at, at + size))
  return found()
}

const whole = JSON.stringify({
  ref: 'refs/heads/main',
  commits: [{ message: '"repository":{"id":1,"full_name":"a/b"}', repository: { id: 2, full_name: 'c/d' } }],
  parent: { repository: { id: 3, full_name: 'e/f' } },
  repository: {
    owner: { id: 4, full_name: 'g/h' },
    topics: [{ id: 5 }],
    id: 6,
    name: 'shop',
    full_name: 'acme/team/shop',
  },
  after: { id: 7 },
})

test.each([1, 2, 3, 7, 64, 10_000])('is found at its one place, in pieces of %i bytes', (size) => {
  expect(scan(whole, size)).toEqual({ slug: 'acme/team/shop', id: '6' })
})

test('is found however it is written', () => {
  expect(scan('{ "repository" : {\n "full_name" :"acme\\/shop" ,\t"id" : 7 } }')).toEqual({
    slug: 'acme/shop',
    id: '7',
  })
  expect(scan('{"repository":{"id":"{00000000-0000-4000-8000-000000000007}"}}').id).toHaveLength(38)
})

test('is what is said first', () => {
  const twice = '{"repository":{"id":1,"id":2,"full_name":"a/b","full_name":"c/d"},"repository":{"id":3}}'
  expect(scan(twice)).toEqual({ slug: 'a/b', id: '1' })
})

describe('is not', () => {
  test.each([
    ['nothing', ''],
    ['no object', '7'],
    ['a list of objects', '[{"repository":{"id":7,"full_name":"a/b"}}]'],
    ['a repository that is none', '{"repository":7}'],
    ['a list of repositories', '{"repository":[{"id":7,"full_name":"a/b"}]}'],
    ['a value that is called so', '{"a":"repository","b":{"id":7,"full_name":"a/b"}}'],
    ['what is nested as a key', '{"a":{"repository":{"id":7,"full_name":"a/b"}}}'],
    ['names that nothing has', '{"repository":{"id":-7,"full_name":"a b"}}'],
    ['names that are too long', `{"repository":{"id":${'7'.repeat(600)},"full_name":"${'a'.repeat(600)}"}}`],
    ['objects in its place', '{"repository":{"id":{"id":7},"full_name":["a/b"]}}'],
    ['what never ends', '{"repository":{"full_name":"a/b'],
  ])('%s', (_, text) => {
    expect(scan(text)).toEqual(none)
  })
})
