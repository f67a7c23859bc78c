import { describe, expect, it } from 'vitest'
import { parseConfig } from './config.ts'

describe('the agent configuration', () => {
  it('needs nothing, and cannot be changed', () => {
    const config = parseConfig({ PATH: '/bin', https_proxy: 'http://proxy:3128' })
    expect(config).toMatchObject({
      directory: '/var/lib/fairway/agent',
      proxyAddress: '127.0.0.1',
      proxyPort: 8080,
      subnet: '10.213.0.0/16',
      servers: [],
      dockerSocket: '/var/run/docker.sock',
      gitEnvironment: {},
      networkAllow: [],
    })
    expect(Object.isFrozen(config)).toBe(true)
    expect(config.upstream?.isFor('git.example')).toBe(true)
  })

  it('reports every fault at once', () => {
    const faults = () =>
      parseConfig({
        FAIRWAY_PROXY: 'nowhere',
        FAIRWAY_SUBNET: 'all',
        FAIRWAY_NETWORK_ALLOW: 'git.intern, 10.0.0.0/33, http://x',
        DOCKER_HOST: 'tcp://x',
        FAIRWAY_GIT_SSH_KEY_FILE: '/root/key',
        https_proxy: 'socks5://proxy',
      })
    expect(faults).toThrow(
      /FAIRWAY_PROXY[\s\S]*FAIRWAY_SUBNET[\s\S]*10.0.0.0\/33[\s\S]*http:[\s\S]*DOCKER_HOST[\s\S]*credential set[\s\S]*https_proxy/,
    )
  })
})
