import { licenceTexts, type Package } from './packages.ts'

const rule = '-'.repeat(80)

/** LICENSES.txt of an artefact: every package in it, with the text that it brings, and what came from elsewhere. */
export async function licencesOf(
  packages: readonly Package[],
  others: readonly string[] = [],
): Promise<string> {
  const known = new Map(packages.map((one) => [`${one.name} ${one.version}`, one]))
  const sorted = [...known.values()].toSorted((left, right) => (left.name < right.name ? -1 : 1))
  const texts = await Promise.all(sorted.map(licenceTexts))
  const whole = sorted.find(({ licence }, index) => licence === 'Apache-2.0' && texts[index]!.length > 0)
  const sections = sorted.map((one, index) => {
    // Of the Apache licence everybody's text is the same.
    const elsewhere =
      whole && one.licence.includes('Apache-2.0')
        ? `that of ${whole.name} in this file`
        : 'https://spdx.org/licenses/'
    const lacking = `(The package brings no text of its licence: ${elsewhere}.)`
    return [
      `${one.name} ${one.version}: ${one.licence}`,
      ...(texts[index]!.length > 0 ? texts[index]! : [lacking]),
    ].join('\n\n')
  })
  return `${['Fairway stands on these.', ...sections, ...others].join(`\n\n${rule}\n\n`)}\n`
}
