import type { SecretRef, TaskSpec } from '../../proto/gen/fairway/agent/v1/tasks_pb.js'

/** The payload message of one kind of task, by the name of its case in `TaskSpec`. */
export type TaskKind = NonNullable<TaskSpec['kind']['case']>
export type TaskInput<K extends TaskKind> = Extract<TaskSpec['kind'], { case: K }>['value']

/** All that server and agent have to know of a kind of task, beside how it is asked for and how it is done. */
export interface TaskDefinition<K extends TaskKind> {
  /**
   * What it may do to production. `spares`: nothing. `changes`: it can destroy or change it. The engine asks for one only
   * with an authorization, dispatch signs that, and the agent takes none without. `never`: the agent refuses it there,
   * whoever asks. What of production a task would touch, agents decide by their own records:
   * agent/authorization/production.ts.
   */
  readonly production: 'spares' | 'changes' | 'never'
  /** The cell that it works on; empty: none, or one that its words do not name. */
  cell(input: TaskInput<K>): string
  /** The environment's that it may be given. What is named here, and nothing else, is delivered to its host. */
  secrets(input: TaskInput<K>): readonly SecretRef[]
  /** The project's that it may be given, for hosts that it reads from and pushes to. */
  credentials(input: TaskInput<K>): readonly SecretRef[]
  /** Dispatches in all, should its host lose it: more than one only of what may be done again from scratch. */
  readonly attempts: number
  /**
   * By whose secrets what it says is masked: its environment's; or all that the project's environments were given, since it
   * reads data of another one, or of a copy before that is neutral.
   */
  readonly masking: 'environment' | 'project'
  /** It leaves its cell's data between two states where it does not come to its end. */
  readonly changesData?: true
  /** What an agent that can do it names in its Hello. */
  readonly capability: string
}

/** Every kind of task: one without its definition does not compile. */
export const taskKinds = {
  resolve: {
    production: 'spares',
    cell: nowhere,
    secrets: none,
    credentials: ownCredentials,
    attempts: 3,
    masking: 'environment',
    capability: 'resolve',
  },
  buildImage: {
    production: 'spares',
    cell: nowhere,
    secrets: none,
    credentials: ownCredentials,
    attempts: 3,
    masking: 'environment',
    capability: 'buildImage',
  },
  fetchImage: {
    // An image is no data; and what runs on the host is kept.
    production: 'spares',
    cell: nowhere,
    secrets: none,
    credentials: ownCredentials,
    attempts: 3,
    masking: 'environment',
    capability: 'fetchImage',
  },
  collectImages: {
    production: 'spares',
    cell: nowhere,
    secrets: none,
    credentials: ownCredentials,
    attempts: 3,
    masking: 'environment',
    capability: 'collectImages',
  },
  createCell: {
    // An environment's first production cell is free for agents; what a failed build left may stand beside the next.
    production: 'changes',
    cell: ownCell,
    secrets: none,
    credentials: none,
    attempts: 1,
    masking: 'environment',
    capability: 'createCell',
  },
  cloneCell: {
    production: 'changes',
    cell: ownCell,
    secrets: none,
    credentials: none,
    attempts: 1,
    masking: 'project',
    capability: 'cloneCell',
  },
  snapshotCell: {
    production: 'spares',
    cell: ownCell,
    secrets: none,
    credentials: none,
    attempts: 1,
    masking: 'environment',
    capability: 'snapshotCell',
  },
  checkRoom: {
    production: 'spares',
    cell: ownCell,
    secrets: none,
    credentials: none,
    attempts: 3,
    masking: 'environment',
    capability: 'checkRoom',
  },
  inspectCell: {
    production: 'spares',
    cell: ownCell,
    secrets: none,
    credentials: none,
    attempts: 3,
    masking: 'environment',
    capability: 'inspectCell',
  },
  restoreCell: {
    production: 'changes',
    cell: ownCell,
    secrets: none,
    credentials: none,
    attempts: 1,
    masking: 'project',
    changesData: true,
    capability: 'restoreCell',
  },
  destroyCell: {
    production: 'changes',
    cell: ownCell,
    secrets: none,
    credentials: none,
    attempts: 1,
    masking: 'environment',
    capability: 'destroyCell',
  },
  destroySnapshot: {
    production: 'changes',
    cell: nowhere,
    secrets: none,
    credentials: none,
    attempts: 1,
    masking: 'environment',
    capability: 'destroySnapshot',
  },
  dumpCell: {
    production: 'spares',
    cell: ownCell,
    secrets: none,
    credentials: none,
    attempts: 1,
    masking: 'project',
    capability: 'dumpCell',
  },
  applyModules: {
    production: 'changes',
    cell: ownCell,
    secrets: ownSecrets,
    credentials: none,
    attempts: 1,
    masking: 'environment',
    changesData: true,
    capability: 'applyModules',
  },
  neutralize: {
    production: 'never',
    cell: ownCell,
    secrets: none,
    credentials: none,
    attempts: 1,
    masking: 'project',
    capability: 'neutralize',
  },
  startRuntime: {
    production: 'changes',
    cell: runtimeCell,
    secrets: runtimeSecrets,
    credentials: none,
    attempts: 1,
    masking: 'environment',
    capability: 'startRuntime',
  },
  stopRuntime: {
    production: 'changes',
    cell: ({ stopCellId }) => stopCellId,
    secrets: none,
    credentials: none,
    attempts: 1,
    masking: 'environment',
    capability: 'stopRuntime',
  },
  smoke: {
    // Its runtime has them already; the words are those that started it.
    production: 'spares',
    cell: runtimeCell,
    secrets: runtimeSecrets,
    credentials: none,
    attempts: 1,
    masking: 'environment',
    capability: 'smoke',
  },
  switchRoute: {
    production: 'changes',
    cell: nowhere,
    secrets: none,
    credentials: none,
    attempts: 1,
    masking: 'environment',
    capability: 'switchRoute',
  },
} as const satisfies { readonly [K in TaskKind]: TaskDefinition<K> }

/** Kinds whose definition says so. */
export type KindsThat<P extends TaskDefinition<TaskKind>['production']> = {
  [K in TaskKind]: (typeof taskKinds)[K]['production'] extends P ? K : never
}[TaskKind]

export const definitionOf = <K extends TaskKind>(kind: K): TaskDefinition<K> => {
  const definitions: { readonly [K in TaskKind]: TaskDefinition<K> } = taskKinds
  return definitions[kind]
}

/** Of a task of whatever kind; of one that this version does not know, nothing. */
export const cellOf = (spec: TaskSpec): string => read(spec, 'cell') ?? ''
export const secretsOf = (spec: TaskSpec): readonly SecretRef[] => read(spec, 'secrets') ?? []
export const credentialsOf = (spec: TaskSpec): readonly SecretRef[] => read(spec, 'credentials') ?? []

type Readable = Pick<TaskDefinition<never>, 'cell' | 'secrets' | 'credentials'>

function read<F extends keyof Readable>({ kind }: TaskSpec, fact: F): ReturnType<Readable[F]> | undefined {
  if (!kind.case) return undefined
  // Case and value belong together by the message's type; the compiler cannot follow the union through.
  const reader = taskKinds[kind.case][fact] as (input: unknown) => ReturnType<Readable[F]>
  return reader(kind.value)
}

// Hoisted: the table above is what one reads first.
function nowhere(): string {
  return ''
}

function none(): readonly SecretRef[] {
  return []
}

function ownCell({ cellId }: { readonly cellId: string }): string {
  return cellId
}

function ownSecrets({ secrets }: { readonly secrets: readonly SecretRef[] }): readonly SecretRef[] {
  return secrets
}

function ownCredentials(input: { readonly credentials: readonly SecretRef[] }): readonly SecretRef[] {
  return input.credentials
}

function runtimeCell({ runtime }: TaskInput<'startRuntime' | 'smoke'>): string {
  return runtime?.cellId ?? ''
}

function runtimeSecrets({ runtime }: TaskInput<'startRuntime' | 'smoke'>): readonly SecretRef[] {
  return runtime?.secrets ?? []
}
