/** Containers as services of a real systemd, as examples/systemd has them: it hears that they are ready, and gives them sockets. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { behaviour } from '../harness/behaviour.js'
import { repository } from '../harness/package.js'
import { addHostPrograms, linkHostPrograms, noHostPrograms } from '../harness/python.js'
import type { Session } from '../harness/session.js'
import { bindMount } from '../harness/spec.js'
import { noSystemd, unitProperties } from '../harness/systemd.js'

const options = { runtimes: ['gantry'], unless: noSystemd ?? noHostPrograms } as const

/** Installs a unit of the examples as `NAME`, with the paths and the port of the test. */
function install(session: Session, example: string, name: string): string {
  const unit = readFileSync(`${repository}examples/systemd/${example}`, 'utf8')
    .replaceAll('/usr/local/bin/gantry', `${session.runtime.command.join(' ')} --root ${session.root}`)
    .replace('/var/lib/web web', `${session.cwd} ${session.id()}`)
    .replace('--force web', `--force ${session.id()}`)
    .replaceAll('web.socket', `${session.mark}.socket`)
    .replace('ListenStream=80', `ListenStream=${session.path('web')}`)
  const path = `/run/systemd/system/${name}`
  writeFileSync(path, unit)
  return path
}

behaviour(
  'a service is active when its program is ready, and gets connections of its socket',
  options,
  async (t, session) => {
    const program = `
import os, signal, socket
def end(*_):
    open("/out/ended", "w").close()
    os._exit(0)
signal.signal(signal.SIGTERM, end)
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.connect(os.environ["NOTIFY_SOCKET"])
notify.send(b"READY=1\\nSTATUS=serves")
listener = socket.socket(fileno=3)
while True:
    connection, _ = listener.accept()
    connection.sendall(os.environ["LISTEN_FDS"].encode() + b" as " + str(os.getpid()).encode())
    connection.close()`
    const out = session.directory('out')
    session.bundle({
      args: ['/usr/bin/python3', '-c', program],
      edit: (spec) => {
        addHostPrograms(spec)
        spec.mounts.push(bindMount(out, '/out', 'rw'))
      },
      rootfs: linkHostPrograms,
    })
    const service = `${session.mark}.service`
    const socket = `${session.mark}.socket`
    const units = [install(session, 'web.service', service), install(session, 'web.socket', socket)]
    await session.shell(`systemctl daemon-reload; systemctl start ${socket}`)
    t.is((await unitProperties(session, service, 'ActiveState')).ActiveState, 'inactive')

    t.is(await text(connect(session.path('web'))), '1 as 1')
    const { pid } = await session.state()
    t.deepEqual(await unitProperties(session, service, 'ActiveState', 'StatusText', 'MainPID'), {
      ActiveState: 'active',
      StatusText: 'serves',
      MainPID: String(pid),
    })

    await session.shell(`systemctl stop ${service} ${socket}`)
    t.deepEqual(await unitProperties(session, service, 'ActiveState'), { ActiveState: 'inactive' })
    t.true(existsSync(`${out}/ended`), 'it had the time to end by itself')
    t.not((await session.run(['state', session.id()])).code, 0)
    for (const unit of units) rmSync(unit)
    await session.shell('systemctl daemon-reload')
  },
)
