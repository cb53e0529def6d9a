// `pforte explain`: the decision about one envelope, step by step, without sending anything.

import { cleanLine } from '#base/text.ts'
import { parseSize } from '#base/units.ts'
import { isIP } from '#net/address.ts'
import { parseMailbox } from '#smtp/parse-path.ts'
import type { MailParameters } from '#smtp/command.ts'
import type { ForwardPath, ReversePath } from '#smtp/path.ts'
import { parseArguments, UsageError, type Command } from '#app/command.ts'
import { configOption, configOptionUsage, loadCommandConfig } from '#app/command-config.ts'
import { explainEnvelope, type ExplainedStep } from './explain/explain-envelope.ts'

const usage = `Usage: pforte explain --from ADDRESS --to ADDRESS [OPTIONS]

Says what the relay would answer to this envelope and why, one line a step. No
mail is sent. When what is remembered does not decide, the institute's server is
asked about the recipient, as it would be for a real mail.

  --from ADDRESS  envelope sender; '' or '<>' for the null reverse-path
  --to ADDRESS    envelope recipient
  --client IP     address of the client; what is decided about it before its session
  --size SIZE     declared size of the mail, such as 10MiB
  --smtputf8      the mail needs SMTPUTF8
  --json          print the steps as one JSON object
${configOptionUsage}
Exit code 0: the recipient would be accepted; 1: it would not.
`

/** Longer than any reply with what a server said. */
const maxTextLength = 1000

export const explainCommand: Command = {
  summary: 'say what would happen to a mail, without sending anything',
  usage,
  run: async (args, io) => {
    const { values } = parseArguments(args, {
      options: {
        ...configOption,
        from: { type: 'string' },
        to: { type: 'string' },
        client: { type: 'string' },
        size: { type: 'string' },
        smtputf8: { type: 'boolean' },
        json: { type: 'boolean' },
      },
    })
    if (values.from === undefined || values.to === undefined) {
      throw new UsageError("name the envelope: --from ADDRESS (or '<>') and --to ADDRESS")
    }
    if (values.client !== undefined && !isIP(values.client)) {
      throw new UsageError(`--client: '${values.client}' is not an IP address`)
    }
    const envelope = {
      client: values.client ?? null,
      reversePath: reversePath(values.from),
      forwardPath: forwardPath(values.to),
      parameters: parameters(values.size, values.smtputf8 ?? false),
    }
    const { config } = await loadCommandConfig(values.config, io)
    const { steps, isAccepted } = await explainEnvelope(config, envelope)
    io.stdout(
      values.json === true
        ? `${JSON.stringify({ accepted: isAccepted, steps })}\n`
        : inLines(steps),
    )
    return isAccepted ? 0 : 1
  },
}

function inLines(steps: readonly ExplainedStep[]): string {
  const width = Math.max(...steps.map((step) => step.step.length))
  return steps
    .map((step) => `${step.step.padEnd(width)}  ${cleanLine(step.text, maxTextLength)}\n`)
    .join('')
}

function withoutBrackets(text: string): string {
  return text.trim().replace(/^<(.*)>$/, '$1')
}

function reversePath(text: string): ReversePath {
  const inner = withoutBrackets(text)
  if (inner === '') return { kind: 'null' }
  const mailbox = parseMailbox(inner)
  if (!mailbox.ok) throw new UsageError(`--from: ${mailbox.problem}`)
  return { kind: 'mailbox', mailbox: mailbox.value }
}

function forwardPath(text: string): ForwardPath {
  const inner = withoutBrackets(text)
  if (inner.toLowerCase() === 'postmaster') return { kind: 'postmaster' }
  const mailbox = parseMailbox(inner)
  if (!mailbox.ok) throw new UsageError(`--to: ${mailbox.problem}`)
  return { kind: 'mailbox', mailbox: mailbox.value }
}

function parameters(size: string | undefined, isSmtpUtf8: boolean): MailParameters {
  if (size === undefined) return { sizeBytes: null, is8BitMime: false, isSmtpUtf8 }
  const sizeBytes = parseSize(size)
  if (!sizeBytes.ok) throw new UsageError(`--size: ${sizeBytes.problem}`)
  return { sizeBytes: sizeBytes.value, is8BitMime: false, isSmtpUtf8 }
}
