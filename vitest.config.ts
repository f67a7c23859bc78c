import { defineConfig } from 'vitest/config'

// unit: beside the code, nothing but the process · the others use what they are named after, for real.
const project = (name: string, include: string[], more: object = {}) => ({
  extends: true as const,
  test: { name, include, ...more },
})

// Two cores: of what works all the time no more than two files at a time, else they only make each other's deadlines.
// The quick ones wait for processes, timers and the disk as much as they work.
const quick = { maxWorkers: 3, sequence: { groupOrder: 0 } }

// Files share a process, which has loaded the program once: a file changes nothing of it (environment, modules, clocks).
const shared = { isolate: false }

// Minutes each, on a Fairway of their own.
const stories = { maxWorkers: 2, sequence: { groupOrder: 1 }, testTimeout: 600_000, hookTimeout: 600_000 }
const alone = { ...stories, maxWorkers: 1, sequence: { groupOrder: 2 } }

const survival = 'test/faults/*-survives.test.ts'

const long = process.env.FAIRWAY_LONG_FAULTS === '1'

export default defineConfig({
  test: {
    experimental: { viteModuleRunner: false },
    reporters: ['default', './test/support/closing-line.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    projects: [
      project('unit', ['{lib,server,agent,cli,packaging}/**/*.test.ts'], { ...quick, ...shared }),
      project('integration', ['test/{integration,rls}/**/*.test.ts'], { ...quick, ...shared }),
      project('contract', ['test/contract/**/*.test.ts'], quick),
      project('faults', ['test/faults/*.test.ts'], { ...quick, exclude: [survival] }),
      project('survival', [survival], stories),
      project('e2e', ['test/e2e/**/*.test.ts'], stories),
      ...(long ? [project('faults-long', ['test/faults/long/*.test.ts'], alone)] : []),
    ],
  },
})
