import { Stage } from '../../proto/gen/fairway/v1/common_pb.js'
import {
  type Environment,
  EnvironmentPurpose,
  EnvironmentStatus,
  SignInState,
} from '../../proto/gen/fairway/v1/environments_pb.js'
import { textOf, timeOf, wordOf } from './values.ts'

/** A line of `env list --json`; scripts depend on the keys. */
export const environmentJson = (environment: Environment) => ({
  project: environment.project,
  name: environment.name,
  stage: wordOf(Stage, environment.stage),
  status: wordOf(EnvironmentStatus, environment.status) ?? 'unknown',
  url: textOf(environment.url),
  build: environment.build || null,
  digest: textOf(environment.digest),
  cell: textOf(environment.cell),
  branch: environment.branch,
  host: textOf(environment.host),
  modules: environment.modules,
  runningRun: textOf(environment.runningRun),
  createdAt: timeOf(environment.createdAt),
  updatedAt: timeOf(environment.updatedAt),
  administratorLogin: textOf(environment.administratorLogin),
  defaultLogins: environment.defaultLogins,
  signIn: wordOf(SignInState, environment.signIn),
  variables: environment.variables,
  dirtySince: timeOf(environment.dirtySince),
  trouble: textOf(environment.trouble),
  id: environment.id,
  purpose: wordOf(EnvironmentPurpose, environment.purpose),
  failedRun: textOf(environment.failedRun),
  failedBuild: environment.failedBuild || null,
  expiresAt: timeOf(environment.expiresAt),
})
export type EnvironmentJson = ReturnType<typeof environmentJson>
