// HTML as text: every value is escaped unless it was made here, so that a server's words stay words.

/** Safe to be put between tags. */
export interface Html {
  readonly html: string
}

type Value = string | number | Html | readonly Html[]

/** A template whose values are escaped; lists of Html are joined. */
export function markup(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  const [first = '', ...rest] = parts
  return {
    html: first + rest.map((part, index) => textOf(values[index] ?? '') + part).join(''),
  }
}

/** Nothing. */
export const nothing: Html = { html: '' }

function textOf(value: Value): string {
  if (typeof value === 'string') return escaped(value)
  if (typeof value === 'number') return String(value)
  return 'html' in value ? value.html : value.map((each) => each.html).join('')
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(words: string): string {
  return words.replace(/[&<>"']/g, (character) => entities[character] ?? '')
}
