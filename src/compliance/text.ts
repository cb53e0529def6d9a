// Texts of the checks exist in German and English, side by side, so that neither can be forgotten.

export type Language = 'de' | 'en'

export type Text = Readonly<Record<Language, string>>

export function text(de: string, en: string): Text {
  return { de, en }
}

/** The same in both: numbers, names, replies. */
export function same(words: string): Text {
  return { de: words, en: words }
}

/** `12.3 s`, with the decimal sign of each language. */
export function seconds(ms: number): Text {
  const number = (ms / 1000).toFixed(ms < 10_000 ? 1 : 0)
  return { de: `${number.replace('.', ',')} s`, en: `${number} s` }
}
