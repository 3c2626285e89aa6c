import { createReadStream } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { createDockerClient } from '../../../src/docker-api/index.ts'
import { umbrella } from '../../../src/main/programs.ts'
import { runCommand } from '../../cli/support/run.ts'
import { busyboxArchive } from '../../support/busybox-image.ts'
import { type ShoalEngine, startShoalEngine } from '../../support/shoal-engine.ts'
import { tarNames } from '../../support/tar-entries.ts'
import { until } from '../manager/support.ts'

/** compose watch and export, with real containers. */

const FILE = `
name: live
services:
  web:
    build: {context: ., secrets: [key]}
    scale: 2
    network_mode: none
    stop_signal: SIGKILL
    develop:
      watch:
        - path: ./src
          action: sync+exec
          target: /app/deep/src
          exec: {command: [sh, -c, "cat /app/deep/src/* > /all"]}
        - {path: ./Dockerfile, action: rebuild}
secrets: {key: {file: ./key}}
`
const DOCKERFILE =
  'FROM busybox:test\nRUN --mount=type=secret,id=key cp /run/secrets/key /known\nCMD ["sleep", "99999"]\n'

let engine: ShoalEngine
let directory: string

const cli = (argv: readonly string[], signal = new AbortController().signal) =>
  runCommand(['-H', engine.host, ...argv], {
    root: umbrella,
    clock: systemClock,
    env: { HOME: directory },
    cwd: directory,
    signal,
  })
const compose = (line: string, signal?: AbortSignal) => cli(['compose', '-H', engine.host, ...line.split(' ')], signal)

/** Waits until a command says this in every replica. */
async function says(expected: string, ...command: readonly string[]): Promise<void> {
  for (const name of ['live-web-1', 'live-web-2']) {
    const isSo = async () => ((await cli(['exec', name, ...command])).stdout === expected ? true : undefined)
    await until(`${expected} of ${command.join(' ')} in ${name}`, isSo)
  }
}

beforeAll(async () => {
  engine = await startShoalEngine()
  directory = join(engine.directory, 'project')
  await mkdir(join(directory, 'src'), { recursive: true })
  const client = createDockerClient(engine.host, { clock: systemClock })
  await client.images.load(Readable.from([await busyboxArchive()]), new AbortController().signal)
  client.close()
  await writeFile(join(directory, 'compose.yaml'), FILE)
  await writeFile(join(directory, 'Dockerfile'), DOCKERFILE)
  await writeFile(join(directory, 'key'), 'of iron')
})
afterAll(() => engine.stop())

it('keeps every replica at what is saved here, and exports one', async () => {
  expect(await compose('up -d')).toMatchObject({ code: 0 })
  await says('of iron', 'cat', '/known')
  const stop = new AbortController()
  const watching = compose('watch --no-up', stop.signal)
  try {
    // Until it watches, nothing that is written is copied: so it is written until it is.
    await until('the first copy', async () => {
      await writeFile(join(directory, 'src/a'), 'one\n')
      return (await cli(['exec', 'live-web-2', 'cat', '/all'])).stdout === 'one\n' ? true : undefined
    })
    await writeFile(join(directory, 'src/b'), 'two\n')
    await says('one\ntwo\n', 'cat', '/all')
    await rm(join(directory, 'src/a'))
    await says('two\n', 'cat', '/all')
    await writeFile(join(directory, 'Dockerfile'), `${DOCKERFILE}ENV VERSION=next\n`)
    await says('next\n', 'sh', '-c', 'echo $VERSION')
  } finally {
    stop.abort(new Error('enough'))
  }
  expect(await watching).toMatchObject({ code: 130, stderr: expect.stringContaining(' ⦿ Watch enabled\n') })
  const tar = join(directory, 'web.tar')
  expect(await compose(`export --index 2 -o ${tar} web`)).toMatchObject({ code: 0 })
  expect(await tarNames(createReadStream(tar))).toContain('known')
  expect(await compose('down --rmi all')).toMatchObject({ code: 0 })
})
