/** Effects that servers of before commands had a place did not know. */
const unknown =
  '^(kept-|leftover-cells$|not-pruned:|image-repositories$|opened-candidate$|plan$|source$|changes$|must-rehearse$|prepared-key:)'

/** All of the run is on record as a server of then left it. */
export async function makeFormer(
  asOwner: (text: string, values: unknown[]) => Promise<unknown>,
  runId: string,
): Promise<void> {
  await asOwner('update runs set pipeline_version = null where id = $1', [runId])
  for (const table of ['tasks', 'steps', 'effects'])
    await asOwner(`update ${table} set ordinal = null where run_id = $1`, [runId])
  await asOwner('delete from effects where run_id = $1 and key ~ $2', [runId, unknown])
}
