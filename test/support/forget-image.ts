import type Docker from 'dockerode'
import { ifExists } from '../../agent/containers/docker.ts'

/**
 * Takes an image's names off this host, and the image with the last of them. Never by its id: its layers may be those of
 * another test as well, and Docker refuses that.
 */
export async function forgetImage(
  docker: Docker,
  image: { readonly RepoTags?: readonly string[] | null; readonly RepoDigests?: readonly string[] | null },
): Promise<void> {
  for (const name of [...(image.RepoTags ?? []), ...(image.RepoDigests ?? [])])
    if (!name.includes('<none>')) await ifExists(docker.getImage(name).remove())
}

/** The names of any image that begin so, of which others may remain. */
export async function forgetNames(docker: Docker, prefix: string): Promise<void> {
  for (const { RepoTags, RepoDigests } of await docker.listImages())
    await forgetImage(docker, {
      RepoTags: RepoTags?.filter((name) => name.startsWith(prefix)),
      RepoDigests: RepoDigests?.filter((name) => name.startsWith(prefix)),
    })
}
