// What releases consist of, step by step: the list that everything goes by that kills a release in its middle.
// test/integration/release-steps.test.ts plays these runs in the real engine, and fails where one does what is not here.

/** A way to production, or back. */
export interface ReleaseRun {
  /** Whoever died on the way. `failed`: production is what it was. */
  readonly ends: 'succeeded' | 'failed'
  /** What is asked of the agent, in this order. */
  readonly tasks: readonly string[]
  /** What the server changes in its own tables, in this order, each with all that follows from it in one transaction. */
  readonly effects: readonly string[]
}

/** The key of a task or effect without the ids in it. */
export const stepOf = (key: string): string => key.replace(/:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, '')

/** The same in PostgreSQL. */
export const stepInSql = (key: string): string =>
  `regexp_replace(${key}, ':[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$', '')`

const seen = (key: string) => [`at-rest:${key}`, `contents-seen:${key}`]
const looked = 'contents:plan'
const lookedAgain = 'contents:approved'

const fetch = 'fetch-image:approved'
const fetched = `credentials:${fetch}`
const planned = ['opened-candidate', ...seen('plan'), 'base-image-of-plan', 'builder-allowed', 'plan']
const compared = [...planned, 'reproduction']
const deploy = [
  ...compared,
  'rehearsal',
  'must-rehearse',
  'authorized:production-deploy',
  fetched,
  ...seen('approved'),
]
const goal = ['rollback-goal', 'authorized:rollback', fetched]

const sendAway = ['room', 'route-maintenance', 'stop-current', 'snapshot:safety'] as const
const saved = ['patch:hold-before-room', 'hold', 'going-on', 'snapshot:safety', 'snapshot-ready:safety']

const takeOver = ['start', 'smoke', 'route'] as const
const candidate = ['candidate', 'secrets', 'known-log']
const live = ['before', 'live']

const cleanUp = ['remove', 'prune'] as const
const pruned = ['prune', 'patch:leftover-rehearsals', 'leftover-cells']
const end = ['logs-awaited']
const unused = ['image-repositories', 'images-in-use', 'credentials:collect-images']

export const releaseRuns = {
  'a promotion that updates modules': {
    ends: 'succeeded',
    tasks: [
      looked,
      fetch,
      lookedAgain,
      ...sendAway,
      'apply:update',
      ...takeOver,
      ...cleanUp,
      'collect-images',
    ],
    effects: [
      ...deploy,
      ...saved,
      'secrets:apply:update',
      ...candidate,
      ...live,
      ...pruned,
      ...unused,
      ...end,
    ],
  },
  'a promotion whose update fails': {
    ends: 'failed',
    tasks: [
      looked,
      fetch,
      lookedAgain,
      ...sendAway,
      'apply:update',
      'snapshot:failed',
      'restore',
      'start-current',
      'route-current',
    ],
    effects: [
      ...deploy,
      ...saved,
      'secrets:apply:update',
      'snapshot:failed',
      'snapshot-ready:failed',
      'restored',
      'secrets:start-current',
      ...end,
    ],
  },
  'a promotion that updates no module': {
    ends: 'succeeded',
    tasks: [looked, fetch, lookedAgain, ...takeOver, 'remove', 'collect-images'],
    effects: [
      ...compared,
      'authorized:production-deploy',
      fetched,
      ...seen('approved'),
      ...candidate,
      ...live,
      ...pruned,
      ...unused,
      ...end,
    ],
  },
  'a rollback that leaves the data': {
    ends: 'succeeded',
    tasks: [looked, fetch, lookedAgain, ...sendAway, 'apply:update', ...takeOver, ...cleanUp],
    effects: [
      ...seen('plan'),
      ...goal,
      ...seen('approved'),
      ...saved,
      'secrets:apply:update',
      ...candidate,
      ...live,
      ...pruned,
      ...end,
    ],
  },
  'a rollback with data': {
    ends: 'succeeded',
    tasks: [fetch, ...sendAway, 'restore', ...takeOver, ...cleanUp],
    effects: [...goal, ...saved, 'restored', ...candidate, ...live, ...pruned, ...end],
  },
  'a rehearsal': {
    ends: 'succeeded',
    tasks: [
      looked,
      'fetch-image:rehearse',
      'clone',
      'fetch-image:production',
      'neutralize-as-production',
      'apply:rehearse',
      'neutralize-and-prove',
      'try:start',
      'try:smoke',
      'try:remove',
      'destroy',
    ],
    effects: [
      ...planned,
      'credentials:fetch-image:rehearse',
      'scratch-cell',
      'production-at-rest',
      'contents-seen:clone',
      'credentials:fetch-image:production',
      'trial',
      'known-log-of-trial',
      'rehearsal-verdict',
      'retire',
      'destroyed',
      ...end,
    ],
  },
} as const satisfies Record<string, ReleaseRun>

export type ReleaseRunName = keyof typeof releaseRuns

/** Without an update of the data visitors never notice: old and new runtime stand side by side. */
export const neverAway: readonly ReleaseRunName[] = ['a promotion that updates no module', 'a rehearsal']

/** What is asked of the agent to put things back: none of it may be left out, however often it fails. */
export interface WayBack {
  readonly run: ReleaseRunName
  /** Where the run fails; left out: by itself. */
  readonly fails?: string
  /** In this order. What only tidies up is not among it. */
  readonly tasks: readonly string[]
}

const dataBack = ['restore', 'start-current', 'route-current'] as const

export const waysBack = {
  'an update that fails': { run: 'a promotion whose update fails', tasks: dataBack },
  'an update whose runtime does not start': {
    run: 'a promotion that updates modules',
    fails: 'start',
    tasks: ['remove', ...dataBack],
  },
  'a change of code whose runtime does not start': {
    run: 'a promotion that updates no module',
    fails: 'start',
    tasks: ['remove'],
  },
  'a change of code whose route fails': {
    run: 'a promotion that updates no module',
    fails: 'route',
    tasks: ['route-current', 'remove'],
  },
  'a rollback whose reload fails': {
    run: 'a rollback that leaves the data',
    fails: 'apply:update',
    tasks: dataBack,
  },
  'a rollback with data whose runtime does not start': {
    run: 'a rollback with data',
    fails: 'start',
    tasks: ['remove', ...dataBack],
  },
  'a rehearsal that fails': { run: 'a rehearsal', fails: 'apply:rehearse', tasks: ['destroy'] },
} as const satisfies Record<string, WayBack>

export type WayBackName = keyof typeof waysBack
