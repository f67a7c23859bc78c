/** Looked through last on this day; a fault that became known later is not in it. */
export const faultsLookedAt = '2026-11-29'

/** What breaks out of containers, or through what keeps them apart. */
export interface KnownFault {
  readonly id: string
  /** As Docker names it: `Engine`, `containerd`, `runc`. */
  readonly component: string
  /** Upstream's versions; see `isBefore`. */
  readonly fixedIn: readonly string[]
  readonly published: string
  /** What somebody in a container, or who wrote an image, can do. */
  readonly consequence: string
  /** Only where the daemon asks such plugins. */
  readonly needsAuthorizationPlugin?: boolean
}

/**
 * Faults of Docker and what it runs containers with that let a container, an image or a build out, or at its neighbours.
 *
 * Left out is what Docker's use of a part does not reach: faults of containerd's CRI (CVE-2022-23648, CVE-2026-50195,
 * CVE-2026-53489, CVE-2026-53492), those of containers that containerd starts without Docker, which reads users and labels
 * of images itself (CVE-2024-40635, CVE-2026-46680, CVE-2026-53488), CVE-2025-47290 of containerd 2.1.0 alone, which no
 * Docker came with, and CVE-2026-41579 of runc, which Docker's own mounts keep from working. Of authorization plugins both
 * faults are in, for hosts that have one.
 *
 * From the projects' security advisories and release notes; BuildKit's by the Docker Engine that has it built in.
 */
export const knownFaults: readonly KnownFault[] = [
  {
    id: 'CVE-2019-5736',
    component: 'runc',
    fixedIn: ['1.0.0-rc7'],
    published: '2019-02-11',
    consequence: 'a container overwrites the host’s runc and so becomes root',
  },
  {
    id: 'CVE-2021-30465',
    component: 'runc',
    fixedIn: ['1.0.0-rc95'],
    published: '2021-05-19',
    consequence: 'a container whose mounts race with its symbolic links gets the host’s file system',
  },
  {
    id: 'CVE-2024-21626',
    component: 'runc',
    fixedIn: ['1.1.12'],
    published: '2024-01-31',
    consequence: 'an image whose working directory is a leaked descriptor gets the host’s file system',
  },
  ...['CVE-2025-31133', 'CVE-2025-52565', 'CVE-2025-52881'].map((id) => ({
    id,
    component: 'runc',
    fixedIn: ['1.2.8', '1.3.3', '1.4.0-rc.3'],
    published: '2025-11-05',
    consequence: 'a container whose mounts race with its start writes to the host’s /proc and becomes root',
  })),
  {
    id: 'CVE-2020-15257',
    component: 'containerd',
    fixedIn: ['1.3.9', '1.4.3'],
    published: '2020-11-30',
    consequence: 'a container in the host’s network becomes root through containerd’s shim',
  },
  ...['CVE-2024-23651', 'CVE-2024-23652', 'CVE-2024-23653'].map((id) => ({
    id,
    component: 'Engine',
    fixedIn: ['25.0.2'],
    published: '2024-01-31',
    consequence: 'a build with BuildKit reads, deletes or runs things on the host',
  })),
  {
    id: 'CVE-2024-24557',
    component: 'Engine',
    fixedIn: ['24.0.9', '25.0.2'],
    published: '2024-02-01',
    consequence: 'an image that a build began from once takes the place of a layer of another build',
  },
  {
    id: 'CVE-2024-29018',
    component: 'Engine',
    fixedIn: ['23.0.11', '25.0.5', '26.0.0-rc3'],
    published: '2024-03-20',
    consequence:
      'a container without a way out sends data out in names that it looks up, where the host has a resolver on loopback',
  },
  {
    id: 'CVE-2024-41110',
    component: 'Engine',
    fixedIn: ['23.0.15', '25.0.6', '26.1.5', '27.1.1'],
    published: '2024-07-23',
    consequence: 'a request without a body passes the authorization plugin',
    needsAuthorizationPlugin: true,
  },
  {
    id: 'CVE-2026-34040',
    component: 'Engine',
    fixedIn: ['29.3.1'],
    published: '2026-03-25',
    consequence: 'a request with a large body passes the authorization plugin',
    needsAuthorizationPlugin: true,
  },
]
