import { defineConfig } from 'vitest/config'

// unit: beside the code, nothing but the process · the others use what they are named after, for real.
const project = (name: string, include: string[], more: object = {}) => ({
  extends: true as const,
  test: { name, include, ...more },
})

// Stories of minutes, each on a Fairway of its own.
const stories = { testTimeout: 600_000, hookTimeout: 600_000 }

const alone = { ...stories, fileParallelism: false }

const survival = 'test/faults/*-survives.test.ts'

const long = process.env.FAIRWAY_LONG_FAULTS === '1'

export default defineConfig({
  test: {
    reporters: ['default', './test/support/closing-line.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    // Two cores: more files at a time only make each other's deadlines.
    maxWorkers: 2,
    projects: [
      project('unit', ['{server,agent,cli,packaging}/**/*.test.ts']),
      project('integration', ['test/{integration,rls}/**/*.test.ts']),
      project('contract', ['test/contract/**/*.test.ts']),
      project('faults', ['test/faults/*.test.ts'], { fileParallelism: false, exclude: [survival] }),
      project('survival', [survival], stories),
      ...(long ? [project('faults-long', ['test/faults/long/*.test.ts'], alone)] : []),
      project('e2e', ['test/e2e/**/*.test.ts'], alone),
    ],
  },
})
