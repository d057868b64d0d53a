/**
 * Which libc the static binary has in it: musl, where it can be built here. Before main(), glibc asks the processor some forty
 * questions (CPUID) to choose between its string functions. In a virtual machine each is a trap, and together they take longer than
 * all that `gantry state` does after. With musl the binary is also 0.8 MB smaller.
 */
import { existsSync } from 'node:fs'
import process from 'node:process'
import { output, succeeds } from './toolchain.mjs'

const architectures = { x64: 'x86_64', arm64: 'aarch64' }

/** The target that Rust and C are compiled for. Installs Rust's libraries for musl where rustup can. */
export function staticTriple() {
  const architecture = architectures[process.arch]
  if (architecture === undefined) throw new Error(`there is no gantry for the processor ${process.arch}`)
  const musl = `${architecture}-unknown-linux-musl`
  const missing = missingFor(musl)
  if (missing === undefined) return musl
  console.log(`dist/gantry gets glibc, with which it starts more slowly, since there is no ${missing}`)
  return `${architecture}-unknown-linux-gnu`
}

function missingFor(musl) {
  if (!succeeds('musl-gcc', '--version') && !output('rustc', '-vV').includes(`host: ${musl}`)) {
    return 'musl-gcc (Debian: musl-tools)'
  }
  if (!hasLibraries(musl) && !(succeeds('rustup', 'target', 'add', musl) && hasLibraries(musl))) {
    return `Rust library for ${musl} (rustup target add ${musl})`
  }
}

function hasLibraries(triple) {
  return existsSync(output('rustc', '--print', 'target-libdir', '--target', triple).trim())
}
