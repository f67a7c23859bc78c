import { Spec } from '@cyclonedx/cyclonedx-library'
import { JsonStrictValidator } from '@cyclonedx/cyclonedx-library/Validation'

/** What the official schema finds wrong with a parts list. */
export async function validate(text: string): Promise<unknown[]> {
  const fault = await new JsonStrictValidator(Spec.Version.v1dot6).validate(text)
  return fault === null ? [] : [fault]
}
