/** The manual page gantry(8): the texts of --help as roff(7), so that the two can't differ. */
import { execFileSync } from 'node:child_process'

/** The text of the page, from the command line program at `binary`. */
export function manualPage(binary, version) {
  const help = (...words) => execFileSync(binary, [...words, '--help'], { encoding: 'utf8' })
  const overview = help()
  const commands = [...(/^Commands\n((?: {2}.*\n)+)/m.exec(overview)?.[1] ?? '').matchAll(/^ {2}(\w+)/gm)]
  const texts = commands.map(([, name]) => name).filter((name) => name !== 'help')
  return [
    `.TH GANTRY 8 "" "gantry ${version}" "System administration"`,
    '.SH NAME',
    'gantry \\- OCI container runtime',
    '.SH DESCRIPTION',
    verbatim(overview),
    ...texts.flatMap((name) => [`.SH ${name.toUpperCase()}`, verbatim(help(name))]),
    '.SH SEE ALSO',
    'runc(8), crun(1), namespaces(7), cgroups(7), capabilities(7), seccomp(2)',
    '',
  ].join('\n')
}

/** As it stands: lines that roff would take for requests, and backslashes, are escaped. */
function verbatim(text) {
  const escaped = text.trimEnd().replaceAll('\\', '\\e').replaceAll('-', '\\-')
  return `.nf\n${escaped.replaceAll(/^([.'])/gm, '\\&$1')}\n.fi`
}
