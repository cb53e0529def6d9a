// Mails that can be told apart wherever they turn up: the number is in the reverse-path, in the header
// and in every line, so a half mail, or half of another one, is seen.

export interface NumberedMail {
  readonly number: number
  readonly recipients: readonly string[]
  /** Lines of the body. */
  readonly lineCount: number
}

export function reversePathOf(number: number): string {
  return `n${number}@sender.example`
}

/** Null: not one of ours. */
export function numberOf(reversePath: string): number | null {
  const match = /^n(\d+)@sender\.example$/.exec(reversePath)
  return match === null ? null : Number(match[1])
}

/** Wire form without the end mark; some lines begin with a stuffed dot. */
export function contentOf(mail: Pick<NumberedMail, 'number' | 'lineCount'>): Buffer {
  const { number, lineCount } = mail
  const lines = Array.from({ length: lineCount }, (_, index) => {
    return `${index % 7 === 0 ? '..' : ''}mail ${number} line ${index} ${'x'.repeat(index % 60)}`
  })
  const header = [`From: ${reversePathOf(number)}`, `Subject: number ${number}`, '']
  return Buffer.from([...header, ...lines, ''].join('\r\n'))
}

/** As an institute got it, the final dot included: our trace fields in front, and every byte behind. */
export function isWhole(wire: Buffer, mail: Pick<NumberedMail, 'number' | 'lineCount'>): boolean {
  const expected = Buffer.concat([contentOf(mail), Buffer.from('.\r\n')])
  const start = wire.length - expected.length
  return (
    start >= 0 &&
    wire.subarray(start).equals(expected) &&
    /^(?:[\w-]+: [^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*)*$/.test(wire.toString('latin1', 0, start))
  )
}

/** Trace id of a mail as it left the relay: the same for all deliveries of what was taken once. */
export function traceIdOf(wire: Buffer): string {
  const head = wire.toString('latin1', 0, 4000)
  const id = /^Received:[^]*?\bid ([\w.-]+)/m.exec(head)?.[1]
  if (id === undefined) throw new Error(`no trace field of the relay: ${head.slice(0, 200)}`)
  return id
}
