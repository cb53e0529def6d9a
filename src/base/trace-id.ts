// The id that follows a session from connect to its last reply: in logs, in Received, in reply texts.

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ' // Crockford's base 32: can be read out on the phone

/**
 * Makes session ids: 9 digits of the millisecond, 5 of a counter that starts at a random place.
 * Unique within a process for 33 million sessions in one millisecond; the random start tells
 * restarts apart. Processes that run side by side have a share of the counter each. Sorts by time.
 */
export function createTraceIds(
  now: () => number,
  random: () => number,
  share: { readonly index: number; readonly count: number } = { index: 0, count: 1 },
): () => string {
  const size = Math.floor(32 ** 5 / share.count)
  let counter = Math.floor(random() * size)
  return () => {
    counter = (counter + 1) % size
    return base32(now(), 9) + base32(share.index * size + counter, 5)
  }
}

function base32(value: number, digits: number): string {
  let text = ''
  let rest = value
  for (let index = 0; index < digits; index += 1) {
    text = (alphabet[rest % 32] ?? '') + text
    rest = Math.floor(rest / 32)
  }
  return text
}
