/** buildah, which starts a runtime for each step of a build, and polls its state meanwhile. */
import { writeFileSync } from 'node:fs'
import { driven, type Kind } from './caller.js'
import { documented } from './documented.js'
import { environment, prepare } from './podman.js'

const buildah: Kind = {
  name: 'buildah',
  programs: ['buildah', 'podman'],
  command: () => ['buildah'],
  environment: (session, path) => ({
    ...environment(session),
    BUILDAH_RUNTIME: /BUILDAH_RUNTIME=(.*)/.exec(documented('buildah', path))?.[1] ?? '',
  }),
  start: prepare,
}

driven(buildah, 'run gives output and exit status', async (t, caller) => {
  const name = caller.name()
  await caller.ok(['from', '--name', name, 'localhost/box'])
  t.is(await caller.ok(['run', name, 'echo', 'hello']), 'hello\n')
  t.is((await caller.run(['run', name, 'sh', '-c', 'exit 3'])).code, 3)
  t.is(await caller.ok(['run', '--user', '1000', '--network', 'none', name, 'id', '-u']), '1000\n')
  await caller.ok(['rm', name])
})

driven(buildah, 'build runs its steps in containers', async (t, caller) => {
  const directory = caller.session.directory('build')
  writeFileSync(`${directory}/Dockerfile`, 'FROM localhost/box\nRUN echo built >/made\n')
  const name = caller.name()
  await caller.ok(['build', '--network', 'none', '--tag', 'made', directory])
  await caller.ok(['from', '--name', name, 'localhost/made'])
  t.is(await caller.ok(['run', name, 'cat', '/made']), 'built\n')
  await caller.ok(['rm', name])
})
