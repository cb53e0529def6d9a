// Pieces of content without their first bytes. Nothing is copied.

/** What of `pieces` lies behind the first `count` bytes. */
export function bytesBehind(pieces: readonly Buffer[], count: number): readonly Buffer[] {
  const rest: Buffer[] = []
  let skip = count
  for (const piece of pieces) {
    if (skip >= piece.length) skip -= piece.length
    else {
      rest.push(piece.subarray(skip))
      skip = 0
    }
  }
  return rest
}
