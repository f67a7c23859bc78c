/** What copies every file where others share blocks: an agent that was started before it was given a pool makes such a one. */
export function adviceForPools(pools: readonly { readonly name: string; readonly driver: string }[]): string {
  const slow = pools.filter(({ driver }) => driver === 'copy').map(({ name }) => name)
  if (slow.length === 0) return ''
  return (
    `Its pool ${slow.join(', ')} copies all data for every clone and snapshot, which takes minutes and as much room again: its ` +
    'file system is neither btrfs nor XFS. How to convert it: docs/operations.md, "A pool that copies".'
  )
}
