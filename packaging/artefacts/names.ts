import manifest from '../../package.json' with { type: 'json' }

export const fairwayVersion: string = manifest.version
export const nodeVersion: string = manifest.dependencies.node

/** Native parts are those of the machine that builds. */
export const platform = `${process.platform}-${process.arch}`

export type Part = 'cli' | 'agent' | 'server'

/**
 * `npm install -g` takes the command line as it is; the others are unpacked, and bring their Node.
 * `version`: Fairway's, with what there is to say about it.
 */
export const artefactName = (part: Part, version: string): string =>
  part === 'cli'
    ? `fairway-cli-${version}.tgz`
    : `fairway-${part}-${version}-node${nodeVersion}-${platform}.tar.gz`

/** Of an artefact that is not what its commit says. */
export const dirtyVersion = `${fairwayVersion}-dirty`
