import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { busyboxArchive } from '../support/busybox-image.ts'
import { runProgram } from './support/program.ts'
import { twoEngines } from './support/two-engines.ts'

const image = await busyboxArchive({ files: { 'srv/page': 'a page' } })
const { agree } = twoEngines({ subnet: 223, images: [image] })

it('testcontainers starts, waits for, enters and stops containers', () =>
  agree(async script => {
    const { stdout, stderr } = await runProgram(
      [process.execPath, resolve(import.meta.dirname, 'testcontainers-program.ts')],
      {
        environment: {
          PATH: process.env['PATH'] ?? '',
          HOME: '/nonexistent',
          DOCKER_HOST: script.engine.url,
          TESTCONTAINERS_HOST_OVERRIDE: script.engine.address,
          // Its reaper is an image of a registry; the test removes everything itself.
          TESTCONTAINERS_RYUK_DISABLED: 'true',
        },
      },
    )
    const steps = stdout
      .toString()
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as { step: string; value?: unknown })
    for (const { step, value = null } of steps) script.tell(step, value)
    expect(stderr).toBe('')
    expect(steps.filter(({ step, value }) => step.endsWith('ended') && value !== undefined)).toEqual([])
  }))
