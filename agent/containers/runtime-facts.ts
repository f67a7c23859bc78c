import type { DockerHost } from './docker.ts'

export interface RuntimeFacts {
  readonly components: readonly { readonly name: string; readonly version: string; readonly build: string }[]
  readonly liveRestore: boolean
  readonly authorizationPlugins: boolean
}

/** What keeps this host's containers apart, in Docker's own words: the server knows which versions are to be left. */
export async function readRuntimeFacts({ docker }: DockerHost): Promise<RuntimeFacts> {
  const [{ Components }, info] = await Promise.all([docker.version(), docker.info()])
  return {
    components: Components.map(({ Name: name, Version: version, Details }) => ({
      name,
      version,
      build: buildOf(version, Details.GitCommit ?? ''),
    })),
    liveRestore: info.LiveRestoreEnabled === true,
    authorizationPlugins: (info.Plugins?.Authorization ?? []).length > 0,
  }
}

/** Debian's packages say their own version, which begins with upstream's, where others say a commit. */
const buildOf = (version: string, commit: string) => (commit.startsWith(version) ? commit : '')
