// Where Postfix's generator and sink are.

export interface PostfixTools {
  readonly folder: string
  /** Tells them where Postfix's libraries are. */
  readonly environment: Readonly<Record<string, string>>
}
