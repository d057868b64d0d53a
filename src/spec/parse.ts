/** The text of a config.json to a checked {@link Spec}: json.ts, then schema.ts, then rules.ts. */
import { problemsOf } from './check.js'
import { firstOf, SpecError } from './error.js'
import { parseJson } from './json.js'
import { brokenResourceRules, resources as isResources } from './resources.js'
import { brokenRules } from './rules.js'
import { spec as isSpec } from './schema.js'
import { soundParts } from './sound.js'
import type { Resources, Spec } from './spec.js'

/**
 * Reads a config.json. `path` names the file in messages.
 *
 * Throws a SpecError when it is not valid.
 */
export function parseSpec(path: string, text: string): Spec {
  return checkSpec(path, parseJson(path, text))
}

/** The same for a document that is no text. */
export function checkSpec(path: string, document: unknown): Spec {
  if (!isSpec(document)) {
    const problems = problemsOf(isSpec, document)
    const rest = soundParts(document, problems)
    throw new SpecError(path, firstOf(isSpec(rest) ? [...problems, ...brokenRules(rest)] : problems))
  }
  const broken = brokenRules(document)
  if (broken.length > 0) throw new SpecError(path, firstOf(broken))
  return document
}

/** The text of a linux.resources alone, as `update` takes it. `path` names where it is from. */
export function parseResources(path: string, text: string): Resources {
  return checkResources(path, parseJson(path, text))
}

/** The same for a document that is no text. */
export function checkResources(path: string, document: unknown): Resources {
  if (!isResources(document)) throw new SpecError(path, firstOf(problemsOf(isResources, document)))
  const broken = brokenResourceRules('', document)
  if (broken.length > 0) throw new SpecError(path, firstOf(broken))
  return document
}
