export type Verb = 'build' | 'push'

/** What was said, and what it takes to go on. */
type Row = readonly [said: RegExp, next: (host: string) => string]

const ofDocker: readonly Row[] = [
  [
    /docker could not be run: spawn docker ENOENT/,
    () =>
      'There is no Docker on this machine. Install it (`apt-get install docker.io`, from Debian 13 on docker-cli as well) and try again.',
  ],
  [
    /permission denied while trying to connect to the docker|docker\.sock: connect: permission denied/i,
    () => 'You may not use Docker on this machine: try again as root, or as a member of the group docker.',
  ],
  [
    /cannot connect to the docker daemon|is the docker daemon running|failed to connect to the docker api/i,
    () => 'Docker does not run on this machine. Start it (`systemctl start docker`) and try again.',
  ],
]

/** By apt, mmdebstrap, and apt in what is built. No registry is asked for anything. */
const ofBuild: readonly Row[] = [
  [
    /(dpkg-query|apt-config|apt-get|mmdebstrap) could not be run/,
    () => 'Images are built from Debian packages: run this on Debian 12 or newer, as root.',
  ],
  [
    /\b(401 +Unauthorized|403 +Forbidden|407 +Proxy Auth)/i,
    () =>
      'Debian’s mirror, or a proxy before it, lets nobody in without a login that may. A proxy’s is set for this command: `http_proxy=http://NAME:PASSWORD@PROXY:PORT`, and https_proxy. For another mirror change /etc/apt/sources.list*: images are built from the one that is named there.',
  ],
  [
    /certificate verification failed|certificate issuer is unknown|no system certificates available/i,
    () =>
      'The certificate of Debian’s mirror is not trusted where images are built. Name the mirror by http:// in /etc/apt/sources.list*: its packages are signed.',
  ],
  [
    /\b404 +Not Found|unable to locate package|has no installation candidate|does not have a Release file|no longer has a Release file/i,
    () =>
      'Debian’s mirror has not all that images are built from. The one in /etc/apt/sources.list* has to carry trixie, forky and sid, as of today: try again with --force, or with another mirror.',
  ],
  [
    /could not connect|unable to connect|cannot initiate the connection|could not resolve|temporary failure resolving|connection (refused|timed out|failed|reset)|network is unreachable|no route to host/i,
    () =>
      'Debian’s mirror was not reached; the registry is asked by `push` alone. `apt-get update` has to work on this machine: images are built from the mirror in /etc/apt/sources.list*. Where the way out is a proxy, set http_proxy and https_proxy for this command (under sudo: `sudo -E`).',
  ],
  [
    /Permission denied|are you root|Could not open lock file/i,
    () => 'Building installs mmdebstrap and keeps files in /var/lib/fairway: run it as root.',
  ],
]

const ofPush: readonly Row[] = [
  [
    /server gave HTTP response to HTTPS client/,
    (host) =>
      `The registry ${host} speaks plain HTTP, which Docker takes from loopback alone. Give it a certificate, or put {"insecure-registries": ["${host}"]} into /etc/docker/daemon.json here and on every host, and restart Docker.`,
  ],
  [
    /x509:|tls: failed to verify certificate|certificate signed by unknown authority/,
    (host) =>
      `Docker does not trust the certificate of ${host}. Put the certificate of its authority into /etc/docker/certs.d/${host}/ca.crt, here and on every host, and try again.`,
  ],
  [
    /no basic auth credentials|unauthorized|authentication required|denied:|insufficient_scope|access forbidden/i,
    (host) =>
      `The registry ${host} lets nobody push there without a login that may. Run \`docker login ${host}\`, and check that the path exists and may be written to.`,
  ],
  [
    /no such host|connection refused|i\/o timeout|no route to host|network is unreachable|server misbehaving|deadline exceeded|Client\.Timeout/i,
    (host) =>
      `The registry ${host} cannot be reached from this machine. Check its name, port and firewall: \`curl -i https://${host}/v2/\` has to answer.`,
  ],
  [
    /An image does not exist locally|tag does not exist/i,
    () => 'They are not built yet: run `fairway-server images build` with the same --registry first.',
  ],
]

const rows: Record<Verb, readonly Row[]> = {
  build: [...ofDocker, ...ofBuild],
  push: [...ofDocker, ...ofPush],
}

/** What to do about it, by the first row that fits; undefined where nothing better is known than what was said. */
export function nextStep(verb: Verb, said: string, registry: string): string | undefined {
  const host = registry.split('/')[0] ?? registry
  return rows[verb].find(([pattern]) => pattern.test(said))?.[1](host)
}
