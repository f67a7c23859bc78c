import { expect, test } from 'vitest'
import { createDockerHost, findContainer } from './docker.ts'

test('a Docker that is not there is named', async () => {
  const host = createDockerHost({ agentId: 'a', socketPath: '/nowhere/docker.sock' })
  const named = { reason: 'unavailable', message: expect.stringContaining('/nowhere/docker.sock: is it') }
  await expect(findContainer(host, 'any')).rejects.toMatchObject(named)
  await expect(host.docker.listNetworks()).rejects.toMatchObject(named)
})
