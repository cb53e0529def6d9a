// Lines waiting to be written, already encoded, in buffers of the size they are written in.

export interface Batch {
  readonly bytes: Buffer
  usedBytes: number
  lineCount: number
}

export class LineQueue {
  /** Sum of the bytes not yet taken, the part of the head that has left included. */
  pendingBytes = 0
  /** How much of the head has left. A head of which a part has left is never dropped: no torn lines. */
  headTakenBytes = 0
  /** The writer holds the head: nothing is added to it, and it is not dropped. */
  isHeadHeld = false
  readonly #batchBytes: number
  readonly #maxPendingBytes: number
  /** Oldest first; the last one is being filled. */
  readonly #batches: Batch[] = []
  /** The buffer of the last batch that left: a quiet log needs no new ones. */
  #spare: Buffer | null = null

  constructor(batchBytes: number, maxPendingBytes: number) {
    this.#batchBytes = batchBytes
    this.#maxPendingBytes = maxPendingBytes
  }

  get head(): Batch | undefined {
    return this.#batches[0]
  }

  append(line: string): void {
    // UTF-8 takes at most 3 bytes for a UTF-16 unit; one byte is for the line feed.
    const batch = this.#batchFor(line.length * 3 + 1)
    const lineBytes = batch.bytes.write(line, batch.usedBytes, 'utf8') + 1
    batch.usedBytes += lineBytes
    batch.bytes[batch.usedBytes - 1] = 0x0a
    batch.lineCount += 1
    this.pendingBytes += lineBytes
  }

  /** So many bytes of the head have left. Returns the number of lines when that was all of it, else 0. */
  take(bytes: number): number {
    const head = this.#batches[0]
    if (head === undefined) return 0
    this.headTakenBytes += bytes
    if (this.headTakenBytes < head.usedBytes) return 0
    this.#batches.shift()
    this.headTakenBytes = 0
    this.pendingBytes -= head.usedBytes
    if (head.bytes.length === this.#batchBytes) this.#spare = head.bytes
    return head.lineCount
  }

  /** Drops the oldest lines beyond the limit. Returns how many. */
  dropOldest(): number {
    let lineCount = 0
    const index = this.#isHeadInUse() ? 1 : 0
    while (this.pendingBytes > this.#maxPendingBytes && this.#batches.length > index + 1) {
      const [dropped] = this.#batches.splice(index, 1)
      this.pendingBytes -= dropped?.usedBytes ?? 0
      lineCount += dropped?.lineCount ?? 0
    }
    return lineCount
  }

  /** Drops everything. Returns how many lines. */
  clear(): number {
    const lineCount = this.#batches.reduce((sum, batch) => sum + batch.lineCount, 0)
    this.#batches.length = 0
    this.pendingBytes = 0
    this.headTakenBytes = 0
    return lineCount
  }

  #batchFor(mostBytes: number): Batch {
    const last = this.#batches.at(-1)
    const isFree = last !== undefined && (this.#batches.length > 1 || !this.#isHeadInUse())
    if (isFree && last.bytes.length - last.usedBytes >= mostBytes) return last
    const batch = { bytes: this.#buffer(mostBytes), usedBytes: 0, lineCount: 0 }
    this.#batches.push(batch)
    return batch
  }

  #isHeadInUse(): boolean {
    return this.isHeadHeld || this.headTakenBytes > 0
  }

  #buffer(leastBytes: number): Buffer {
    const spare = this.#spare
    if (spare === null || spare.length < leastBytes) {
      return Buffer.allocUnsafeSlow(Math.max(this.#batchBytes, leastBytes))
    }
    this.#spare = null
    return spare
  }
}
