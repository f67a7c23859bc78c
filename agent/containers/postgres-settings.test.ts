import { describe, expect, it } from 'vitest'
import { initdbArguments, postgresSettings } from './postgres-settings.ts'

const GIB = 1024 ** 3

describe('settings of PostgreSQL', () => {
  it('never relaxes durability in production', () => {
    expect(postgresSettings('production', GIB, 18)).toMatchObject({
      fsync: 'on',
      full_page_writes: 'on',
      synchronous_commit: 'on',
      shared_buffers: '256MB',
    })
  })

  it.each(['staging', 'development'] as const)('keeps data whole in %s, in little memory', (stage) => {
    const settings = postgresSettings(stage, GIB / 2, 18)
    expect(settings).not.toHaveProperty('fsync')
    expect(settings).not.toHaveProperty('full_page_writes')
    expect(settings).toMatchObject({ shared_buffers: '64MB', recovery_init_sync_method: 'syncfs' })
  })

  it('asks old versions for nothing they do not know', () => {
    expect(postgresSettings('staging', GIB, 13)).not.toHaveProperty('recovery_init_sync_method')
    expect(initdbArguments('/data', 15)).not.toContain('--locale-provider=builtin')
    expect(initdbArguments('/data', 18)).toContain('--locale-provider=builtin')
  })
})
