// Reads the relay's own numbers (the text format of Prometheus) over HTTP.

export interface Numbers {
  /** Sum of all series of that name whose labels contain all of `labels`. */
  readonly sum: (name: string, labels?: Readonly<Record<string, string>>) => number
}

const timeoutMs = 5000

export async function readMetrics(port: number): Promise<Numbers> {
  const signal = AbortSignal.timeout(timeoutMs)
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal })
  const lines = (await response.text()).split('\n').filter((line) => /^\w/.test(line))
  return {
    sum: (name, labels = {}) => {
      const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
      return lines
        .filter((line) => /^\w+/.exec(line)?.[0] === name)
        .filter((line) => wanted.every((part) => line.includes(part)))
        .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
    },
  }
}
