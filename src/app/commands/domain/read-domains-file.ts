// The file of `domain apply`: `domains:` and a list of documents. Every problem comes with its line.

import { readFileSync, statSync } from 'node:fs'
import { failure, success, type Result } from '#base/result.ts'
import { cleanLine, nearestWord } from '#base/text.ts'
import type { ConfigProblem } from '#config/loaded-config.ts'
import { parseYaml, type YamlFile } from '#config/yaml-file.ts'
import { parseDomainDocument } from '#registry/domain-document.ts'
import type { ServedDomain } from '#registry/registry.ts'
import { createServedDomain, type DomainProblem } from '#registry/served-domain.ts'

/** Some 50,000 domains. */
const maxFileBytes = 16 * 1024 ** 2

/** More is not read at once; the next run shows the next ones. */
const maxProblemCount = 20

type Problems = readonly ConfigProblem[]

/** `file` as the operator wrote it. No domain comes twice. */
export function readDomainsFile(
  file: string,
  nowMs: number,
): Result<readonly ServedDomain[], Problems> {
  const text = readText(file)
  if (!text.ok) return failure([{ file, line: null, column: null, text: text.problem }])
  const yaml = parseYaml(text.value, file)
  if (!yaml.ok) return yaml
  const items = domainsOf(yaml.value.input)
  if (!items.ok) return failure([located(items.problem, yaml.value, file)])
  const { domains, problems } = readItems(items.value, nowMs)
  if (problems.length === 0) return success(domains)
  return failure(problems.slice(0, maxProblemCount).map((each) => located(each, yaml.value, file)))
}

function readText(file: string): Result<string> {
  try {
    const { size } = statSync(file)
    if (size > maxFileBytes) return failure(`is too large: ${size} bytes, at most ${maxFileBytes}`)
    return success(new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file)))
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return failure(`cannot be read: ${cleanLine(why, 200)}`)
  }
}

function domainsOf(input: unknown): Result<readonly unknown[], DomainProblem> {
  const hint = "expected the key 'domains' with a list, as pforte domain export prints it"
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return failure({ path: [], text: hint })
  }
  const unknown = Object.keys(input).find((key) => key !== 'domains')
  if (unknown !== undefined) {
    const nearest = nearestWord(unknown, ['domains'])
    const text = nearest === undefined ? hint : 'did you mean domains?'
    return failure({
      path: [unknown],
      text: `unknown key ${JSON.stringify(cleanLine(unknown, 60))}; ${text}`,
    })
  }
  const items: unknown = 'domains' in input ? input.domains : undefined
  return Array.isArray(items) ? success(items) : failure({ path: ['domains'], text: hint })
}

function readItems(
  items: readonly unknown[],
  nowMs: number,
): { readonly domains: readonly ServedDomain[]; readonly problems: readonly DomainProblem[] } {
  const domains = new Map<string, ServedDomain>()
  const problems: DomainProblem[] = []
  for (const [index, item] of items.entries()) {
    const served = readItem(item, nowMs)
    if (!served.ok) {
      for (const { path, text } of served.problem) {
        problems.push({ path: ['domains', index, ...path], text })
      }
    } else if (domains.has(served.value.domain)) {
      const text = `${served.value.domain} stands in the file twice`
      problems.push({ path: ['domains', index, 'domain'], text })
    } else {
      domains.set(served.value.domain, served.value)
    }
  }
  return { domains: [...domains.values()], problems }
}

function readItem(item: unknown, nowMs: number): Result<ServedDomain, readonly DomainProblem[]> {
  const shape = parseDomainDocument(item)
  if (!shape.ok) return shape
  const served = createServedDomain(shape.value, nowMs)
  return served.ok ? served : failure([served.problem])
}

/** Told at the value; a missing one at the mapping it is missing from, a key we do not know at itself. */
function located({ path, text }: DomainProblem, yaml: YamlFile, file: string): ConfigProblem {
  const isUnknownKey = text.startsWith('unknown key')
  const { line, column } =
    (isUnknownKey ? yaml.placeOfKey(path) : undefined) ?? yaml.placeOfValue(path)
  const names = path.filter((part) => typeof part === 'string' && part !== 'domains')
  const where = names.length === 0 || isUnknownKey ? '' : `${names.join('.')}: `
  return { file, line, column, text: cleanLine(`${where}${text}`, 300) }
}
