import { type Secrets, TaskError } from '../tasks/task.ts'

/** As Docker wants it with each call; it keeps none of it. */
export interface RegistryAuth {
  readonly username: string
  readonly password: string
  readonly serveraddress: string
}

/** What to present to the registry of an image, or of a repository. */
export type Registries = (reference: string) => RegistryAuth

// Docker wants to be told even that there is nothing to tell.
export const anonymous: Registries = () => ({ username: '', password: '', serveraddress: '' })

/** Host (and port) of the registry that a reference names; what names none is Docker Hub's. */
export function registryHostOf(reference: string): string {
  const slash = reference.indexOf('/')
  const first = slash < 0 ? '' : reference.slice(0, slash)
  return /[.:]/.test(first) || first === 'localhost' ? first : 'docker.io'
}

/** `registry/name:tag` or `registry/name@sha256:…` without tag and digest. */
export function repositoryOf(reference: string): string {
  return reference.split('@', 1)[0]!.replace(/:[^/:]*$/, '')
}

/** What comes from a server, before it is part of an address. Throws TaskError `bad-input`. */
export function requireRepository(text: string): string {
  if (/^[a-z0-9][a-z0-9._:-]*(\/[a-z0-9._-]+)+$/.test(text)) return text
  throw new TaskError(
    'bad-input',
    `${JSON.stringify(text.slice(0, 100))} is no image repository such as registry.example/acme/shop`,
  )
}

/** Out of a task's secrets: `registry:ghcr.io/USERNAME` and `registry:ghcr.io/PASSWORD` are for that host alone. */
export function registriesOf(secrets: Secrets): Registries {
  return (reference) => {
    const host = registryHostOf(reference)
    const password = secrets[`registry:${host}/PASSWORD`]
    if (password === undefined) return anonymous(reference)
    const serveraddress = host === 'docker.io' ? 'https://index.docker.io/v1/' : host
    return { username: secrets[`registry:${host}/USERNAME`] ?? '', password, serveraddress }
  }
}
