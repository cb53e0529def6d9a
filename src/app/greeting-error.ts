// What the greeting stage cannot be opened without, as the error of a command.

import { AccessFileError } from '#greeting/open-greeting.ts'
import { CommandError } from './command.ts'

/** Any other error is given back as it is. */
export function greetingError(error: unknown): unknown {
  if (!(error instanceof AccessFileError)) return error
  return new CommandError(`greeting.access.file cannot be used: ${error.message}`, 2)
}
