// The report in the form that was asked for.

import type { Report } from '#compliance/compliance.ts'
import { reportHtml } from '#compliance/report/report-html.ts'
import { reportJson } from '#compliance/report/report-json.ts'
import { reportJunit } from '#compliance/report/report-junit.ts'
import { reportMarkdown } from '#compliance/report/report-markdown.ts'
import { reportText, type TextOptions } from '#compliance/report/report-text.ts'
import type { CommandIo } from '#app/command.ts'
import type { CheckRequest } from './request.ts'

/** Lines of the report are broken there: fits a terminal and a mail. */
export const width = 96

export function printReport(report: Report, request: CheckRequest, io: CommandIo): void {
  const { networks, language } = request
  switch (request.form) {
    case 'json':
      return io.stdout(`${JSON.stringify(reportJson(report, { networks }), null, 2)}\n`)
    case 'markdown':
      return io.stdout(`${reportMarkdown(report, { networks }, language)}\n`)
    case 'junit':
      return io.stdout(reportJunit(report, language))
    case 'html':
      return io.stdout(reportHtml(report, { networks }, language))
    case 'text':
      return io.stdout(reportText(report, textOptions(request, isColoured(io))))
  }
}

export function textOptions(request: CheckRequest, isColoured: boolean): TextOptions {
  return { networks: request.networks, language: request.language, isColoured, width }
}

export function isColoured(io: CommandIo): boolean {
  return io.isTerminal && (io.environment['NO_COLOR'] ?? '') === ''
}
