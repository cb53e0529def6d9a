// Is an IPv4 address one that the Internet can reach (RFC 6890)?

/** First address and prefix length of what is not. */
const special: readonly (readonly [number, number, number])[] = [
  [0, 0, 8],
  [10, 0, 8],
  [100, 64, 10],
  [127, 0, 8],
  [169, 254, 16],
  [172, 16, 12],
  [192, 168, 16],
  [198, 18, 15],
  [224, 0, 3],
]

export function isPublicIpv4(address: string): boolean {
  const [first = 0, second = 0, third = 0] = address.split('.').map(Number)
  if (first === 192 && second === 0 && (third === 0 || third === 2)) return false
  if (
    (first === 198 && second === 51 && third === 100) ||
    (first === 203 && second === 0 && third === 113)
  )
    return false
  const number = first * 256 + second
  return !special.some(
    ([a, b, length]) =>
      Math.floor(number / 2 ** (16 - length)) === Math.floor((a * 256 + b) / 2 ** (16 - length)),
  )
}
