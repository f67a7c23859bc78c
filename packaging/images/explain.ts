/** What Docker says, and what it takes to go on. The first that fits. */
const known: readonly (readonly [said: RegExp, next: (host: string) => string])[] = [
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
  [
    /(dpkg-query|apt-config|apt-get|mmdebstrap) could not be run/,
    () => 'Images are built from Debian packages: run this on Debian 12 or newer, as root.',
  ],
  [
    /Permission denied|are you root|Could not open lock file/i,
    () => 'Building installs mmdebstrap and keeps files in /var/lib/fairway: run it as root.',
  ],
]

/** What to do about it; undefined where nothing better is known than what was said. */
export function nextStep(said: string, registry: string): string | undefined {
  const host = registry.split('/')[0] ?? registry
  return known.find(([pattern]) => pattern.test(said))?.[1](host)
}
