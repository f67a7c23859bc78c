import manifest from '../../package.json' with { type: 'json' }

export const fairwayVersion: string = manifest.version
export const nodeVersion: string = manifest.dependencies.node

/** Native parts are those of the machine that builds. */
export const platform = `${process.platform}-${process.arch}`

export type Part = 'cli' | 'agent' | 'server'

/** `npm install -g` takes the command line as it is; the others are unpacked, and bring their Node. */
export const artefactNames: Record<Part, string> = {
  cli: `fairway-cli-${fairwayVersion}.tgz`,
  agent: `fairway-agent-${fairwayVersion}-node${nodeVersion}-${platform}.tar.gz`,
  server: `fairway-server-${fairwayVersion}-node${nodeVersion}-${platform}.tar.gz`,
}
