import { expect, test } from 'vitest'
import { subjectFields } from './subject.ts'

const subject = {
  project: 'acme',
  environment: 'production',
  action: 'production-deploy',
  commit: '4f2a9c1d22',
  digest: 'sha256:3d91',
  modules: { install: [], update: ['acme_sale', 'acme_loyalty'] },
  plan: '77aa',
  rehearsal: { run: '0193', verdict: 'yellow', downtimeSeconds: 15 },
  replaces: null,
}

test('what people decide by comes first, in words', () => {
  expect(subjectFields(subject).slice(0, 6)).toEqual([
    ['Commit', '4f2a9c1d22'],
    ['Image', 'sha256:3d91'],
    ['Installs', 'no module'],
    ['Updates', 'acme_sale, acme_loyalty'],
    ['Plan', '77aa'],
    ['Rehearsal', 'yellow: production would be away for about 15 s (run 0193)'],
  ])
})

test('nothing that the approval is bound to is left out, whatever later versions bind it to', () => {
  const text = JSON.stringify(subjectFields({ ...subject, notBefore: { at: 'noon' }, rehearsal: null }))
  for (const said of ['acme', 'production-deploy', 'Not before', 'noon', 'none was asked for']) {
    expect(text).toContain(said)
  }
})

test('what is made of parts is said by their names', () => {
  const replaces = { digest: 'sha256:97cb', run: 'be28405d', more: { builtAt: 'noon', of: [1] } }
  expect(subjectFields({ replaces })).toEqual([
    ['Replaces', 'digest sha256:97cb, run be28405d, more built at noon, of [1]'],
  ])
})

test('text from elsewhere drives no terminal', () => {
  const [[, commit] = []] = subjectFields({ commit: 'a\u001b[2Jb\nc' })
  expect(commit).not.toMatch(/\p{Cc}/u)
})
