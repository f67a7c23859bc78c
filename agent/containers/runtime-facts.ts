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
    // Debian's packages say their own version where upstream's say a commit.
    components: Components.map(({ Name, Version, Details }) => ({
      name: Name,
      version: Version,
      build: Details.GitCommit ?? '',
    })),
    liveRestore: info.LiveRestoreEnabled === true,
    authorizationPlugins: (info.Plugins?.Authorization ?? []).length > 0,
  }
}
