import { formatAge } from './format.ts'
import type { CheckpointJson } from './json/audit.ts'
import type { Output } from './output.ts'
import { renderTable } from './table.ts'

/** Who keeps checkpoints outside the database, and what they said of the latest one: a refusal is red. */
export function witnessTable(out: Output, witnesses: CheckpointJson['witnesses']): string[] {
  const [head = '', ...body] = renderTable(
    witnesses,
    [
      { title: 'WITNESS', value: ({ name }) => name, whole: true },
      { title: 'EVENTS', value: ({ size }) => String(size), align: 'right' },
      { title: 'SAID', value: ({ at }) => formatAge(at) },
      {
        title: 'REFUSED',
        value: ({ refusal }) => (refusal ? `REFUSED: ${refusal}` : ''),
        paint: (text) => out.paint('red', text),
      },
    ],
    out.width,
  )
  return [out.paint('dim', head), ...body]
}
