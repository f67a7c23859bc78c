import { Document, isScalar } from 'yaml'
import { enforcedKeys, type PolicyDocument } from './document.ts'

/** A policy with all its defaults, as YAML; it says which keys this version only keeps. */
export function renderPolicy(policy: PolicyDocument): string {
  const document = new Document(policy, { aliasDuplicateObjects: false })
  for (const { key } of (document.contents as { items?: { key: unknown }[] }).items ?? []) {
    if (isScalar(key) && !(enforcedKeys as readonly unknown[]).includes(key.value)) {
      key.commentBefore = ' Checked and kept; this version of Fairway does not act on it yet.'
    }
  }
  return document.toString({ lineWidth: 110 })
}
