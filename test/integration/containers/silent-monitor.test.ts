import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { Conmon } from '../../../src/runtime/containers/monitor/conmon.ts'
import { OciRuntime } from '../../../src/runtime/containers/monitor/oci-runtime.ts'
import { eventually, isAlive, isRoot } from './support.ts'

/** Says nothing, leaves a monitor in the background as conmon does, and a command it has begun. */
const SILENT = `#!/bin/sh
mkfifo ever never
setsid sh -c 'sleep 1000 & echo $! > pid; echo $$ > monitor; read -r _ < ever' monitor "$PWD" &
read -r _ < never
`

/** Waits as conmon does before it begins, also if nobody will ever tell it to. */
const PATIENT = `#!/bin/sh
echo $$ > monitor
read -r _ <&4
touch begun
`

describe.skipIf(!isRoot)('a monitor that says nothing', () => {
  let directory = ''
  let bundle = ''
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'shoal-silent-'))
    bundle = join(directory, 'ab'.repeat(32))
    mkdirSync(bundle)
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  const runtimeAt = (path: string): OciRuntime => new OciRuntime(path, join(directory, 'state'), systemClock)
  const conmonThatIs = (script: string, clock: ManualClock, runtime = '/usr/sbin/runc'): Conmon => {
    writeFileSync(join(directory, 'conmon'), script)
    chmodSync(join(directory, 'conmon'), 0o755)
    return new Conmon(join(directory, 'conmon'), runtimeAt(runtime), clock)
  }
  const requestOf = () => ({
    id: 'c',
    bundle,
    exitFolder: bundle,
    tty: false,
    stdin: false,
    keepStdinOpen: false,
  })
  const namingBundle = (): string[] =>
    readdirSync('/proc').filter(
      name => /^\d+$/.test(name) && readFileIfThere(`/proc/${name}/cmdline`).split('\0').includes(bundle),
    )
  const readFileIfThere = (path: string): string => {
    try {
      return readFileSync(path, 'utf8')
    } catch {
      return ''
    }
  }
  const pidIn = (name: string): number => Number(readFileIfThere(join(bundle, name)))

  it('is ended with what it began', async () => {
    const clock = new ManualClock()
    const conmon = conmonThatIs(SILENT, clock)
    const running = conmon.exec({ ...requestOf(), execProcess: join(bundle, 'config.json') }, () => {})
    const refused = expect(running).rejects.toMatchObject({ code: 'MONITOR_SILENT', status: 500 })
    const pids = await eventually(
      () => [pidIn('monitor'), pidIn('pid')],
      found => found.every(pid => pid > 0 && isAlive(pid)),
    )
    await clock.advance(30_000)
    await refused
    await eventually(
      () => pids.map(isAlive),
      alive => !alive.includes(true),
    )
  })

  it('is ended before it begins, if what it waits for will never be there', async () => {
    // A runtime that may look for its configuration more often than once is not even started.
    const conmon = conmonThatIs(PATIENT, new ManualClock(), '/opt/other-runtime')
    const monitor = conmon.launch(requestOf())
    const pid = await eventually(
      () => pidIn('monitor'),
      found => found > 0,
    )
    await monitor.abandon()
    // Its place may be kept until the next monitor is started.
    await eventually(
      () => readFileIfThere(`/proc/${pid}/stat`),
      stat => stat === '' || stat.includes(') Z '),
    )
    expect(existsSync(join(bundle, 'begun'))).toBe(false)
  })

  it('ends with the runtime that it has started, if the configuration will never be there', async () => {
    const conmon = new Conmon('/usr/bin/conmon', runtimeAt('/usr/sbin/runc'), systemClock)
    const monitor = conmon.launch(requestOf())
    await eventually(namingBundle, pids => pids.length > 0)
    await monitor.abandon()
    await eventually(namingBundle, pids => pids.length === 0)
    expect(existsSync(join(directory, 'state', 'c'))).toBe(false)
    await monitor.abandon()
  })

  it('says why there is no container, if its configuration is none', async () => {
    const conmon = new Conmon('/usr/bin/conmon', runtimeAt('/usr/sbin/runc'), systemClock)
    const created = conmon.launch(requestOf()).create('no configuration')
    await expect(created).rejects.toMatchObject({
      code: 'RUNTIME_FAILED',
      message: expect.stringContaining('invalid character') as string,
    })
    await eventually(namingBundle, pids => pids.length === 0)
  })

  it('cannot be started at all: that is said at once', () => {
    const conmon = new Conmon(join(directory, 'missing'), runtimeAt('/usr/sbin/runc'), new ManualClock())
    expect(() => conmon.launch(requestOf())).toThrow(expect.objectContaining({ code: 'RUNTIME_FAILED', status: 500 }))
  })
})
