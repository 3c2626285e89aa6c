import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { until } from '../../scripts/lib/command.ts'
import { systemClock } from '../../src/core/clock.ts'
import { systemRandom } from '../../src/core/random.ts'
import { SystemTransport } from '../../src/machine/ssh/system/system-transport.ts'

let folder: string

/** An `ssh` that forwards nothing before it is let, and keeps what it was asked to. */
const SSH = `#!/bin/sh
echo "$@" >> FOLDER/asked
case " $* " in *" forward "*) ;; *) exit 0 ;; esac
while [ $# -gt 0 ]; do
  if [ "$1" = -L ]; then echo "$2" >> FOLDER/forwards; fi
  shift
done
while [ ! -e FOLDER/go ]; do sleep 0.05; done
`

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-ssh-'))
  await writeFile(join(folder, 'ssh'), SSH.replaceAll('FOLDER', folder))
  await chmod(join(folder, 'ssh'), 0o755)
})
afterEach(() => rm(folder, { recursive: true }))

const forwards = (): readonly string[] =>
  existsSync(join(folder, 'forwards')) ? readFileSync(join(folder, 'forwards'), 'utf8').trim().split('\n') : []

const to = { host: 'n1', keyPaths: [], jumps: [], pinned: [], acceptNew: false }
const portsHere = () => ({ clock: systemClock, random: systemRandom, env: { PATH: `${folder}:/usr/bin:/bin` } })

it('hangs up and leaves nothing where the process is cut short, and has nothing to do then once it is closed', async () => {
  const undoings = new Set<() => void>()
  const atExit = (undo: () => void) => {
    undoings.add(undo)
    return () => void undoings.delete(undo)
  }
  const { signal } = new AbortController()
  const transport = await SystemTransport.connect(to, { ...portsHere(), atExit }, signal)
  const asked = () => readFileSync(join(folder, 'asked'), 'utf8').trim().split('\n')
  const [, socket = ''] = /ControlPath=(\S+)/.exec(asked()[0] ?? '') ?? []
  expect(existsSync(dirname(socket))).toBe(true)
  for (const undo of undoings) undo()
  expect(asked().at(-1)).toMatch(/ -O exit n1$/)
  expect(existsSync(dirname(socket))).toBe(false)
  await transport.close()
  expect(undoings.size).toBe(0)
})

it('forwards a socket once for all who dial it, whoever of them leaves', async () => {
  const transport = await SystemTransport.connect(to, portsHere(), new AbortController().signal)
  const leaving = new AbortController()
  const first = transport.dialSocket('/run/x.sock', leaving.signal)
  const second = transport.dialSocket('/run/x.sock')
  const [local = ''] = await until('it forwards', async () => {
    const [forward] = forwards()
    return forward?.split(':')
  })
  leaving.abort(new Error('left'))
  await expect(first).rejects.toThrow('left')
  const server = createServer(socket => socket.end('hello'))
  await new Promise<void>(resolve => server.listen(local, resolve))
  try {
    await writeFile(join(folder, 'go'), '')
    const heard = await (await second).setEncoding('utf8').toArray()
    expect(heard).toEqual(['hello'])
    expect(forwards()).toHaveLength(1)
  } finally {
    server.close()
    await transport.close()
  }
})
