// The coordinator's book of connections that are lent: of servers that take fewer than the relay has processes.
// Who waits longest gets the next one; whoever has one hears that somebody waits.

export interface LoansOptions {
  /** Somebody waits for a connection: to be told to all others. */
  readonly onWanted: (wanted: Wanted) => void
}

export interface Wanted {
  readonly routeId: string
  /** The process that waits longest. */
  readonly by: string
  /** Another one has more: one of those is due when it has been used for a while. */
  readonly isTurn: boolean
}

interface Waiting {
  readonly holder: string
  readonly settle: (isLent: boolean) => void
}

interface RouteLoans {
  /** As the last one who asked knows it. */
  count: number
  readonly lent: Map<string, number>
  readonly waiting: Waiting[]
}

/** While somebody waits it is said again so often: a process may have got its connection just now. */
const wantedMs = 500

export class Loans {
  readonly #options: LoansOptions
  readonly #routes = new Map<string, RouteLoans>()
  #timer: NodeJS.Timeout | null = null

  constructor(options: LoansOptions) {
    this.#options = options
  }

  /** `holder`: a process. Resolves false after `withinMs`. */
  borrow(holder: string, routeId: string, count: number, withinMs: number): Promise<boolean> {
    const loans = this.#of(routeId)
    loans.count = count
    return new Promise((resolve) => {
      const waiting: Waiting = {
        holder,
        settle: (isLent) => {
          clearTimeout(timer)
          resolve(isLent)
        },
      }
      const timer = setTimeout(() => {
        loans.waiting.splice(loans.waiting.indexOf(waiting), 1)
        resolve(false)
      }, withinMs)
      loans.waiting.push(waiting)
      this.#lend(routeId, loans)
    })
  }

  giveBack(holder: string, routeId: string): void {
    const loans = this.#of(routeId)
    addTo(loans.lent, holder, -1)
    this.#lend(routeId, loans)
  }

  /** What a process has, when this book does not know it yet. */
  has(holder: string, routeId: string, count: number): void {
    const loans = this.#of(routeId)
    loans.lent.delete(holder)
    addTo(loans.lent, holder, count)
    this.#lend(routeId, loans)
  }

  /** The process has ended, and its connections with it. */
  gone(holder: string): void {
    for (const [routeId, loans] of this.#routes) {
      loans.lent.delete(holder)
      for (const each of loans.waiting.filter((waiting) => waiting.holder === holder)) {
        loans.waiting.splice(loans.waiting.indexOf(each), 1)
        each.settle(false)
      }
      this.#lend(routeId, loans)
    }
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }

  #of(routeId: string): RouteLoans {
    const known = this.#routes.get(routeId)
    if (known !== undefined) return known
    const loans: RouteLoans = { count: 0, lent: new Map(), waiting: [] }
    this.#routes.set(routeId, loans)
    return loans
  }

  #lend(routeId: string, loans: RouteLoans): void {
    while (loans.waiting.length > 0 && sumOf(loans.lent) < loans.count) {
      const next = loans.waiting.shift()
      if (next === undefined) break
      addTo(loans.lent, next.holder, 1)
      next.settle(true)
    }
    if (loans.waiting.length > 0) {
      this.#tellWanted(routeId, loans)
      this.#timer ??= setInterval(() => this.#remind(), wantedMs).unref()
    } else if (loans.lent.size === 0) {
      this.#routes.delete(routeId)
    }
  }

  #remind(): void {
    const wanted = [...this.#routes].filter(([, { waiting }]) => waiting.length > 0)
    if (wanted.length === 0) this.close()
    for (const [routeId, loans] of wanted) this.#tellWanted(routeId, loans)
  }

  #tellWanted(routeId: string, { lent, waiting: [first] }: RouteLoans): void {
    if (first === undefined) return
    const { holder: by } = first
    const isTurn = Math.max(...lent.values()) > (lent.get(by) ?? 0)
    this.#options.onWanted({ routeId, by, isTurn })
  }
}

function addTo(counts: Map<string, number>, holder: string, change: number): void {
  const count = (counts.get(holder) ?? 0) + change
  if (count > 0) counts.set(holder, count)
  else counts.delete(holder)
}

function sumOf(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0)
}
