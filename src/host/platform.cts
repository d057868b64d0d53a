/**
 * The two files that are made for one platform: the addon that Node loads, and the static binary. They lie beside this file
 * in a built repository, and in a package of their own where npm installed us.
 *
 * CommonJS, so that ES modules, CommonJS programs and bin/gantry.js share one copy. Looks at nothing before it is asked.
 */
import fs = require('node:fs')
import path = require('node:path')
import type Addon = require('../../index.js')
import release = require('../version.js')

/** Nothing is there for this platform, or not what belongs to this version. */
class NoBinaryError extends Error {
  readonly code = 'ERR_NO_BINARY'

  constructor(
    message: string,
    readonly hint: string,
  ) {
    super(message)
  }
}

/** The addon; Node's module cache makes it one for all who ask. */
function addon(): typeof Addon {
  return require(path.join(directory(), 'gantry.node'))
}

/** The path of the static binary, for what starts runtimes: Docker's daemon.json, containers.conf, …. */
function binary(): string {
  return path.join(directory(), 'gantry')
}

function directory(): string {
  if (fs.existsSync(path.join(__dirname, 'gantry.node'))) return __dirname
  if (process.platform !== 'linux') {
    throw new NoBinaryError(
      `containers need Linux, and this is ${process.platform}`,
      'use a virtual machine with Linux',
    )
  }
  const name = `gantry-linux-${process.arch}-${usesGlibc() ? 'gnu' : 'musl'}`
  const found = installed(name)
  const { version } = release
  if (found === undefined) {
    throw new NoBinaryError(
      `the package ${name} is not installed`,
      `it is an optional dependency, left out by --omit=optional or by a lock file of another platform: npm install --no-save ${name}@${version}`,
    )
  }
  if (found.version !== version) {
    throw new NoBinaryError(
      `${name} is of version ${found.version}, and gantry of ${version}`,
      'remove node_modules and the lock file, and install again',
    )
  }
  return found.directory
}

function installed(name: string): { readonly directory: string; readonly version: unknown } | undefined {
  let file: string
  try {
    file = require.resolve(`${name}/package.json`)
  } catch {
    return undefined
  }
  const { version } = require(file)
  return { directory: path.dirname(file), version }
}

/** Whether Node itself is linked with glibc. */
function usesGlibc(): boolean {
  // Newer Nodes look every socket's name up otherwise.
  const report = Object.assign(process.report, { excludeNetwork: true }).getReport()
  return JSON.stringify(report).includes('"glibcVersionRuntime"')
}

export = { addon, binary }
