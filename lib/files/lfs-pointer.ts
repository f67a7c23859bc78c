/** How each begins, by the specification of Git LFS: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md */
export const pointerStart = 'version https://git-lfs.github.com/spec/v1\n'

/** Pointers are smaller, by the same. */
export const maxPointerBytes = 1024

/** What a file holds is a pointer of Git LFS, and not what people see under its name. */
export const isPointer = (content: Uint8Array): boolean =>
  content.byteLength < maxPointerBytes &&
  Buffer.from(content.subarray(0, pointerStart.length)).toString('latin1') === pointerStart

/** For people, behind the file's name. */
export const pointerFault =
  'is a pointer of Git LFS, not the file itself; commit the file to git (git lfs migrate export)'
