/** The text of a config.json to a checked {@link Spec}: json.ts, then schema.ts, then rules.ts, then unsupported.ts. */
import { problemsOf } from './check.js'
import { SpecError } from './error.js'
import { parseJson } from './json.js'
import { brokenResourceRules, resources as isResources } from './resources.js'
import { brokenProcessRules, brokenRules } from './rules.js'
import { hasProcess, spec as isSpec } from './schema.js'
import type { Process, Resources, Spec } from './spec.js'
import { refuseUnsupported } from './unsupported.js'

/**
 * Reads a config.json. `path` names the file in messages.
 *
 * Throws a SpecError when it is not valid, an UnsupportedError when it asks for what we don't apply.
 */
export function parseSpec(path: string, text: string): Spec {
  return checkSpec(path, parseJson(path, text))
}

/** The same for a document that is no text. */
export function checkSpec(path: string, document: unknown): Spec {
  if (!isSpec(document)) throw new SpecError(path, shorten(problemsOf(isSpec, document)))
  const broken = brokenRules(document)
  if (broken.length > 0) throw new SpecError(path, shorten(broken))
  refuseUnsupported(document)
  return document
}

/** Reads a process section that is a document of its own. Throws like {@link parseSpec}. */
export function parseProcess(path: string, text: string): Process {
  const document = { process: parseJson(path, text) }
  if (!hasProcess(document)) throw new SpecError(path, shorten(problemsOf(hasProcess, document)))
  const broken = brokenProcessRules(document)
  if (broken.length > 0) throw new SpecError(path, shorten(broken))
  return document.process
}

/** The text of a linux.resources alone, as `update` takes it. `path` names where it is from. */
export function parseResources(path: string, text: string): Resources {
  return checkResources(path, parseJson(path, text))
}

/** The same for a document that is no text. */
export function checkResources(path: string, document: unknown): Resources {
  if (!isResources(document)) throw new SpecError(path, shorten(problemsOf(isResources, document)))
  const broken = brokenResourceRules('', document)
  if (broken.length > 0) throw new SpecError(path, shorten(broken))
  return document
}

/** A document can be wrong in a thousand places, and the message is one line. */
function shorten(problems: readonly string[]): readonly string[] {
  const shown = 10
  if (problems.length <= shown) return problems
  return [...problems.slice(0, shown), `and ${problems.length - shown} more`]
}
