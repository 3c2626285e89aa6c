import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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

describe.skipIf(!isRoot)('a monitor that says nothing', () => {
  let directory = ''
  let bundle = ''
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'shoal-silent-'))
    bundle = join(directory, 'ab'.repeat(32))
    mkdirSync(bundle)
    writeFileSync(join(directory, 'conmon'), SILENT)
    chmodSync(join(directory, 'conmon'), 0o755)
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  it('is ended with what it began', async () => {
    const clock = new ManualClock()
    const runtime = new OciRuntime('/usr/sbin/runc', join(directory, 'state'), systemClock)
    const conmon = new Conmon(join(directory, 'conmon'), runtime, clock)
    const request = { id: 'c', bundle, exitFolder: bundle, tty: false, stdin: false, keepStdinOpen: false }
    const running = conmon.exec({ ...request, execProcess: join(bundle, 'config.json') }, () => {})
    const refused = expect(running).rejects.toMatchObject({ code: 'MONITOR_SILENT', status: 500 })
    const pidIn = (name: string): number => {
      try {
        return Number(readFileSync(join(bundle, name), 'utf8'))
      } catch {
        return 0
      }
    }
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
})
