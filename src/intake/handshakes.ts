// TLS handshakes under way. Under strain there are only so many: the oldest makes room, since whoever means it is
// through in two round trips.

/** A session in its handshake. */
export interface Handshaking {
  /** Ends it, and the session. `detail` is for people. */
  readonly breakOff: (detail: string) => void
}

export class Handshakes {
  /** The oldest first. */
  readonly #underWay = new Set<Handshaking>()
  #maxCount = Infinity

  begin(session: Handshaking): void {
    this.#underWay.add(session)
    this.#makeRoom()
  }

  /** However it ended. */
  end(session: Handshaking): void {
    this.#underWay.delete(session)
  }

  /** From now on; Infinity: any number. */
  limit(maxCount: number): void {
    this.#maxCount = maxCount
    this.#makeRoom()
  }

  #makeRoom(): void {
    for (const oldest of this.#underWay) {
      if (this.#underWay.size <= this.#maxCount) return
      this.#underWay.delete(oldest)
      oldest.breakOff('too many handshakes under strain: the oldest made room')
    }
  }
}
