/**
 * The host's verbs as requests: what both hosts have in common. A verb has the same name here and in
 * crates/engine/src/verbs.rs. To Node's addon requests go as JSON; the static binary takes the objects. Replies are JSON, or a text.
 */
import { type Awaitable, type Caller, type Host, HostFailure } from './host.js'
import type { Failure } from './plan.js'

export type Verb = Exclude<keyof Host, 'caller'>

/** Carries a request out, with the long text that goes with some; gives a {@link Reply} in JSON, or `=` and a text as it is. */
export type Call = (verb: Verb, request: object, text?: string) => Awaitable<string>

type Reply<T> = { readonly ok: T } | { readonly failure: Failure; readonly warnings?: readonly Failure[] }

/** What a verb answers: its value, or the failure that is thrown. */
export function answerOf<T>(text: string): T {
  const reply: Reply<T> = JSON.parse(text)
  if ('failure' in reply) throw new HostFailure(reply.failure, reply.warnings)
  return reply.ok
}

/** The same for a verb whose value is a text. */
function textOf(reply: string): string {
  return reply.startsWith('=') ? reply.slice(1) : answerOf<string>(reply)
}

/** A request as it crosses to the addon: JSON, and after a newline, which that has none of, the long text that goes with it. */
export function requestText(request: object, text?: string): string {
  const json = JSON.stringify(request)
  return text === undefined ? json : `${json}\n${text}`
}

/** The host whose verbs go through `call`. */
export function hostOver(caller: Caller, call: Call): Host {
  function ask<T>(verb: Verb, request: object, text?: string): Awaitable<T> {
    const reply = call(verb, request, text)
    return typeof reply === 'string' ? answerOf(reply) : reply.then(answerOf<T>)
  }
  function askForText(verb: Verb, request: object): Awaitable<string> {
    const reply = call(verb, request)
    return typeof reply === 'string' ? textOf(reply) : reply.then(textOf)
  }
  return {
    caller,
    facts: (cgroups = true) => ask('facts', { cgroups }),
    readText: (path) => askForText('readText', { path }),
    readInput: () => askForText('readInput', {}),
    createText: (path, text) => ask('createText', { path, text }),
    isDirectory: (path) => ask('isDirectory', { path }),
    writeOutput: (text) => ask('writeOutput', { text }),
    writeError: (text) => ask('writeError', { text }),
    appendLog: (path, text) => ask('appendLog', { path, text }),
    sendLog: (request) => ask('sendLog', request),
    launch: (plan, config) => ask('launch', plan, config),
    exec: (plan) => ask('exec', plan),
    start: (request) => ask('start', request),
    awaitReady: (request) => ask('awaitReady', request),
    supervise: (request) => ask('supervise', request),
    inspect: (container) => ask('inspect', container),
    list: (root) => ask('list', { root }),
    freeze: (container) => ask('freeze', container),
    thaw: (container) => ask('thaw', container),
    processes: (container) => ask('processes', container),
    runProgram: (argv) => ask('runProgram', { argv }),
    resources: (container) => ask('resources', container),
    update: (plan) => ask('update', plan),
    changeMounts: (plan, config) => ask('changeMounts', plan, config),
    readCgroup: (request) => ask('readCgroup', request),
    awaitOom: (request) => ask('awaitOom', request),
    sleep: (milliseconds) => ask('sleep', { milliseconds }),
    signal: (request) => ask('signal', request),
    destroy: (request) => ask('destroy', request),
    close: (descriptor) => ask('close', { descriptor }),
  }
}
