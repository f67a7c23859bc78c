import { expect, test } from 'vitest'
import { hostOfWorkflows } from './workflow-host.ts'

test.each([
  ['https://token.actions.githubusercontent.com', 'github.com'],
  ['https://token.actions.githubusercontent.com/acme', 'github.com'],
  ['https://github.acme.example/_services/token', 'github.acme.example'],
  ['https://token.actions.acme.ghe.com', 'acme.ghe.com'],
])('%s speaks for %s', (issuer, host) => {
  expect(hostOfWorkflows(issuer)).toBe(host)
})
