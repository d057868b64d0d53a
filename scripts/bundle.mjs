/**
 * The TypeScript as JavaScript bundles, without anything left to import:
 *
 * - dist/js/full.js, the command line in the static binary; crates/standalone compiles it to bytecode.
 * - dist/index.js, the Node API, dist/binary.js, and dist/main.js, the command line on Node; dist/cjs/ has the first two for
 *   require(), and dist/platform.cjs is what they and bin/gantry.js find the addon and the static binary through.
 */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import * as esbuild from 'esbuild'
import { replace, root } from './toolchain.mjs'

const common = {
  absWorkingDir: root,
  bundle: true,
  write: false,
  format: 'esm',
  target: 'es2022',
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'warning',
  // clipanion's ES modules, with the part that knows no Node: they can be shaken, its CommonJS can't.
  alias: { clipanion: join(root, 'node_modules/clipanion/lib/advanced/index.mjs') },
  resolveExtensions: ['.mjs', '.js', '.ts'],
  mainFields: ['browser', 'module', 'main'],
  // clipanion looks at these where it is not given streams; we give it none and take its texts.
  define: {
    GANTRY_COMMIT: JSON.stringify(describeRevision()),
    'process.env': 'null',
    'process.env.DEBUG_CLI': 'undefined',
    'process.stdin': 'undefined',
    'process.stdout': 'undefined',
    'process.stderr': 'undefined',
  },
  drop: ['console'],
}

/** For require(). Their `#platform` is that of the package, as if they lay in dist/ itself. */
const commonJs = {
  format: 'cjs',
  define: { ...common.define, 'import.meta.url': 'importMetaUrl' },
  banner: {
    js: `const importMetaUrl = require('node:url').pathToFileURL(require('node:path').dirname(__dirname) + '/').href`,
  },
}

/** The revision that is built, with `-dirty` where the working tree differs; empty outside a repository. */
function describeRevision() {
  try {
    const arguments_ = ['describe', '--always', '--dirty', '--abbrev=40', '--match=']
    return execFileSync('git', arguments_, { cwd: root, stdio: 'pipe' }).toString().trim()
  } catch {
    return ''
  }
}

/** clipanion imports typanion when a command has a static schema. Ours have none: the import stays as it is, unused. */
const withoutSchemas = {
  name: 'without-schemas',
  setup(build) {
    build.onResolve({ filter: /^typanion$/ }, ({ kind }) => (kind === 'dynamic-import' ? { external: true } : null))
  },
}

/** The bundle of `source`, which imports as a file in src/ does. */
async function bundled(name, source, platform, options = {}) {
  const { outputFiles } = await esbuild.build({
    ...common,
    ...options,
    platform,
    plugins: [withoutSchemas],
    stdin: { contents: source, resolveDir: join(root, 'src'), sourcefile: `bundle of ${name}`, loader: 'ts' },
  })
  return outputFiles[0].text
}

export async function bundle() {
  replace(join(root, 'dist/cjs/package.json'), '{ "type": "commonjs" }\n')
  const write = async (name, source, platform) => {
    replace(join(root, 'dist', `${name}.js`), await bundled(name, source, platform))
  }
  const forRequire = async (file, source) => {
    replace(join(root, 'dist', file), await bundled(file, source, 'node', commonJs))
  }
  await Promise.all([
    write(
      'js/full',
      `import { type Native, quickjsHost } from './host/quickjs.js'
       import { main } from './main.js'
       export const run = (native: Native) => main(quickjsHost(native))`,
      'neutral',
    ),
    write('index', `export * from './index.js'`, 'node'),
    write('binary', `export * from './api/binary.js'`, 'node'),
    forRequire('cjs/index.js', `export * from './index.js'`),
    forRequire('cjs/binary.js', `export * from './api/binary.js'`),
    forRequire('platform.cjs', `module.exports = require('./host/platform.cts')`),
    write(
      'main',
      `import { commandHost } from './host/node.js'
       import { main } from './main.js'
       export const run = () => main(commandHost())`,
      'node',
    ),
  ])
}
