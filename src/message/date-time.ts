// Dates of header fields (RFC 5322 §3.3).

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const
const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')

let lastSecond = NaN
let lastText = ''

/** `Mon, 5 Oct 2026 04:03:09 +0000`, in UTC: a relay's clock has no home. */
export function encodeDateTime(atMs: number): string {
  const second = Math.floor(atMs / 1000)
  if (second === lastSecond) return lastText // a busy relay takes hundreds of mails in one
  lastSecond = second
  lastText = encode(new Date(atMs))
  return lastText
}

function encode(at: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${days[at.getUTCDay()] ?? ''}, ${at.getUTCDate()} ${months[at.getUTCMonth()] ?? ''}`
  const time = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`
  return `${day} ${at.getUTCFullYear()} ${time} +0000`
}
