// Who may import whom. The tree is the architecture: a new arrow here is a decision, not a convenience.
const rule = (name, comment, from, to) => ({ name, severity: 'error', comment, from, to })
const alone = (name, folder, allowed = []) =>
  rule(
    name,
    `${folder} may import only: ${allowed.join(', ') || 'itself'} (and packages)`,
    { path: `^${folder}/`, pathNot: '\\.test\\.ts$' },
    {
      path: '^(lib|server|agent|cli|proto|packaging|test)/',
      pathNot: [`^${folder}/`, ...allowed.map((a) => `^${a}`)],
    },
  )
// lib is what all share, and imports nothing of ours but the messages: no arrow to it couples two rooms.
const only = (name, folder, allowed) => alone(name, folder, ['lib/', ...allowed])

// What a kind of run is, whoever reads it; not how it is done.
const runFacts = [
  'server/runs/(define|record)\\.ts',
  'server/operations/(kinds|[^/]+/(definition|record))\\.ts',
]

module.exports = {
  forbidden: [
    rule(
      'no-circles',
      'two modules that import each other are one idea in two files',
      {},
      { circular: true },
    ),
    rule('no-unresolved', 'every import resolves', {}, { couldNotResolve: true, pathNot: '^node:' }),
    alone('lib-alone', 'lib', ['proto/gen/']),
    alone('proto-gen-alone', 'proto'),
    only('cli-only-proto', 'cli', ['proto/gen/']),
    only('agent-only-proto', 'agent', ['proto/gen/']),
    only('server-never-agent', 'server', ['proto/gen/']),
    only('api', 'server/api', ['proto/gen/', 'server/services/', 'server/(errors|context|logger)\\.ts']),
    rule(
      'pipelines',
      'a pipeline decides by what its actions return, and is handed them: it imports nothing that asks or changes anything',
      {
        path: '^server/operations/(?!steps/)[^/]+/(?!actions\\.ts)',
        pathNot: '(\\.test|/(definition|record|actions|unknown-branch))\\.ts$',
      },
      {
        path: '^(server|agent|cli|packaging|test)/',
        pathNot: [
          '^server/operations/(?!steps/)[^/]+/(?!actions\\.ts)',
          '^server/runs/types\\.ts',
          '^server/db/(record|tables/\\w+)\\.ts',
          // What is compared by content alone; asks nobody.
          '^server/releases/(source|changes|contents|plan|downtime|failed-update)\\.ts',
          '^server/errors\\.ts',
        ],
      },
    ),
    only('releases', 'server/releases', [
      'proto/gen/',
      'server/(db|governance)/',
      'server/errors\\.ts',
      ...runFacts,
    ]),
    only('governance', 'server/governance', [
      'proto/gen/',
      'server/(db|blobs)/',
      'server/(errors|context|logger|sealer)\\.ts',
    ]),
    only('capacity', 'server/capacity', ['server/db/', ...runFacts]),
    only('services', 'server/services', [
      'proto/gen/',
      'server/(db|blobs|capacity|governance|evidence|releases)/',
      'server/(errors|context|logger)\\.ts',
      ...runFacts,
      'server/(runs/queue|operations/environment-runs)\\.ts',
    ]),
    only('runs', 'server/(runs|operations)', [
      'proto/gen/',
      'server/(db|blobs|capacity|governance|evidence|releases)/',
      'server/(errors|context|logger)\\.ts',
    ]),
    only('jobs', 'server/jobs', ['server/db/', 'server/(errors|context)\\.ts']),
    only('fleet', 'server/fleet', [
      'proto/gen/',
      'server/(db|blobs|governance|evidence)/',
      'server/(errors|context|logger)\\.ts',
      ...runFacts,
    ]),
    only('evidence', 'server/evidence', [
      'proto/gen/',
      'server/(db|blobs|governance)/',
      'server/(errors|context|logger)\\.ts',
      ...runFacts,
    ]),
    only('forges', 'server/forges', [
      'proto/gen/',
      'server/(db|blobs|services|governance)/',
      'server/(errors|context|logger)\\.ts',
    ]),
    only('db', 'server/db', ['server/(errors|config|logger|sealer)\\.ts']),
    // The tree is pure: the log of checkpoints refuses what does not extend it, whoever asks.
    only('blobs', 'server/blobs', ['server/errors\\.ts', 'server/evidence/tree/']),
    rule(
      'db-is-kysely-and-pg',
      'raw pools live in server/db only',
      { path: '^server/', pathNot: '^server/db/' },
      { path: 'node_modules/pg/' },
    ),
    rule(
      'spawn-in-one-place',
      'agent/process.ts is the only place of the agent that spawns',
      { path: '^agent/', pathNot: '^agent/process\\.ts$' },
      { path: '^(node:)?child_process$' },
    ),
    rule(
      'superuser-in-one-place',
      "a superuser's session is for agent/database/administration.ts alone: it never enters a tenant's database",
      { path: '^(agent|server|cli|packaging)/', pathNot: '^agent/database/(administration|superuser)\\.ts$' },
      { path: '^agent/database/superuser\\.ts$' },
    ),
    rule(
      'databases-by-their-gate',
      'raw sessions of cells live in agent/database only: ask by withHostileDatabase',
      { path: '^(agent|server|cli|packaging)/', pathNot: '^agent/database/' },
      { path: '^agent/database/(session|own-session)\\.ts$' },
    ),
    rule(
      'agent-pg-in-database',
      'the PostgreSQL client of the agent lives in agent/database only',
      { path: '^agent/', pathNot: '^agent/database/' },
      { path: 'node_modules/pg/' },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(proto/gen/.*\\.d\\.ts|node_modules/.*/test)' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.json'],
    },
  },
}
