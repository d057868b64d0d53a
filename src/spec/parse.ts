/** The text of a config.json to a checked {@link Spec}: json.ts, then schema.ts, then rules.ts. */
import { checked, parseChecked, problemsOf } from './check.js'
import { firstOf, SpecError } from './error.js'
import { parseJson, parseJsonExactly } from './json.js'
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
  const document = parseJson(path, text)
  // As in parseChecked: only where a long integer is in it, it is read again.
  return isSpec(document) ? keepRules(path, document) : checkSpec(path, parseJsonExactly(path, text))
}

/** The same for a document that is no text. */
export function checkSpec(path: string, document: unknown): Spec {
  if (isSpec(document)) return keepRules(path, document)
  const problems = problemsOf(isSpec, document)
  const rest = soundParts(document, problems)
  throw new SpecError(path, firstOf(isSpec(rest) ? [...problems, ...brokenRules(rest)] : problems))
}

function keepRules(path: string, spec: Spec): Spec {
  const broken = brokenRules(spec)
  if (broken.length > 0) throw new SpecError(path, firstOf(broken))
  return spec
}

/** The text of a linux.resources alone, as `update` takes it. `path` names where it is from. */
export function parseResources(path: string, text: string): Resources {
  return keepResourceRules(path, parseChecked(isResources, path, text))
}

/** The same for a document that is no text. */
export function checkResources(path: string, document: unknown): Resources {
  return keepResourceRules(path, checked(isResources, path, document))
}

function keepResourceRules(path: string, resources: Resources): Resources {
  const broken = brokenResourceRules('', resources)
  if (broken.length > 0) throw new SpecError(path, firstOf(broken))
  return resources
}
