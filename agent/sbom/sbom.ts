import { createHash } from 'node:crypto'
import { ComponentType, ExternalReferenceType } from '@cyclonedx/cyclonedx-library/Enums'
import { Bom, Component, ExternalReference, Metadata, Property } from '@cyclonedx/cyclonedx-library/Models'
import { JSON as Json, JsonSerializer } from '@cyclonedx/cyclonedx-library/Serialize'
import { Spec1dot6 } from '@cyclonedx/cyclonedx-library/Spec'
import type { ImageFacts } from '../containers/image-facts.ts'

export interface SbomAddon {
  readonly name: string
  readonly version: string
  readonly treeId: string
  /** Python package that brings it; empty or none: a repository. */
  readonly distribution?: string
  /** Address of that repository, without user and password. */
  readonly repository: string
  /** Others that are merged onto it. */
  readonly merged?: readonly string[]
}

export interface SbomInput {
  /** Repository in the registry, and `sha256:…`. */
  readonly image: string
  readonly digest: string
  /** Of the image, or of what it stands on: what addons hide is left out. */
  readonly facts: ImageFacts
  readonly addons: readonly SbomAddon[]
}

/**
 * The parts list of a project's image, CycloneDX 1.6 as JSON: Debian packages, Python distributions, Odoo and its addons,
 * those of the project below the repository or package they come from. The same image, the same text: it has no time and no host.
 */
export function createSbom({ image, digest, facts, addons }: SbomInput): string {
  const own = new Set(addons.map(({ name }) => name))
  const bom = new Bom({
    serialNumber: `urn:uuid:${uuidOf(digest)}`,
    metadata: new Metadata({
      component: new Component(ComponentType.Container, image, { bomRef: digest, version: digest }),
    }),
  })
  for (const [name, version, architecture] of facts.packages) {
    const purl = `pkg:deb/${facts.system.id || 'debian'}/${encode(name)}@${encode(version)}?arch=${architecture}`
    bom.components.add(new Component(ComponentType.Library, name, { bomRef: purl, version, purl }))
  }
  for (const [name, version] of Object.entries(facts.distributions)) {
    const purl = `pkg:pypi/${name}@${encode(version)}`
    const component = new Component(ComponentType.Library, name, { bomRef: purl, version, purl })
    for (const addon of addons.filter(({ distribution }) => distribution === name))
      component.components.add(addonOf(addon))
    bom.components.add(component)
  }
  bom.components.add(odoo(facts, own))
  const ofRepositories = addons.filter(({ distribution }) => !distribution)
  for (const [repository, group] of Map.groupBy(ofRepositories, (addon) => addon.repository))
    bom.components.add(repositoryOf(repository, group))
  return `${new JsonSerializer(new Json.Normalize.Factory(Spec1dot6)).serialize(bom, { sortLists: true })}\n`
}

function odoo({ odooVersion, modules }: ImageFacts, hidden: ReadonlySet<string>): Component {
  const component = new Component(ComponentType.Framework, 'odoo', { bomRef: 'odoo', version: odooVersion })
  for (const [name, { version }] of Object.entries(modules)) {
    if (hidden.has(name)) continue
    component.components.add(library(`odoo/${name}`, name, version))
  }
  return component
}

function repositoryOf(url: string, addons: readonly SbomAddon[]): Component {
  const component = new Component(ComponentType.Application, url, { bomRef: `repository:${url}` })
  const addresses = new Set([url, ...addons.flatMap(({ merged = [] }) => merged)])
  for (const address of addresses)
    component.externalReferences.add(new ExternalReference(address, ExternalReferenceType.VCS))
  for (const addon of addons) component.components.add(addonOf(addon))
  return component
}

function addonOf({ name, version, treeId }: SbomAddon): Component {
  const addon = library(`addon/${name}`, name, version)
  addon.properties.add(new Property('dev.fairway.tree', treeId))
  return addon
}

/** Without a name of ours for it the library would draw one by lot. */
function library(bomRef: string, name: string, version: string): Component {
  return new Component(ComponentType.Library, name, { bomRef, version: version || undefined })
}

/** As PURLs escape. */
const encode = (text: string) => encodeURIComponent(text).replaceAll('%3A', ':')

function uuidOf(digest: string): string {
  const hex = createHash('sha256').update(`fairway sbom ${digest}`).digest('hex')
  // Version 8: made of what we choose. Variant 10.
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
