import { type JudgedFields, judgeManifest, type ManifestVerdict } from './judge-manifest.ts'

/** Where an addon is, with what its manifest says and what Odoo of a series makes of that. */
export type AddonFrom<P, M extends JudgedFields> = Omit<M, 'faults'> & P & ManifestVerdict

/** The one way from a manifest to an addon, be it of a repository, a package or an image. */
export function addonFrom<P extends object, M extends JudgedFields>(
  place: P,
  manifest: M,
  series: string,
): AddonFrom<P, M> {
  const { faults: _judged, ...said } = manifest
  return { ...said, ...place, ...judgeManifest(manifest, series) }
}
