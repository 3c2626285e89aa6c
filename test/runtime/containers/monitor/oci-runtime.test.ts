import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../../src/core/clock.ts'
import { OciRuntime } from '../../../../src/runtime/containers/monitor/oci-runtime.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-runtime-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

/** A runtime that fails so many times with these words, and then does what it is asked; resolves with how often it was. */
async function asksUntilPaused(failures: number, words: string): Promise<number> {
  const path = join(directory, 'runtime')
  const asked = join(directory, 'asked')
  const count = `echo >> ${asked}; [ "$(wc -l < ${asked})" -gt ${failures} ]`
  await writeFile(path, `#!/bin/sh\n${count} || { echo '${words}' >&2; exit 1; }\n`, { mode: 0o755 })
  const runtime = new OciRuntime(path, directory, systemClock)
  try {
    await runtime.pause('c1')
  } finally {
    runtime.close()
  }
  return (await readFile(asked, 'utf8')).length
}

describe('pausing', () => {
  it('is tried again while a process gets no processor to stop itself', async () => {
    expect(await asksUntilPaused(3, 'unable to freeze')).toBe(4)
  })

  it('fails when that does not pass', async () => {
    await expect(asksUntilPaused(100, 'unable to freeze')).rejects.toThrow('unable to freeze')
    expect(await readFile(join(directory, 'asked'), 'utf8')).toHaveLength(6)
  })

  it('fails at once for any other reason', async () => {
    await expect(asksUntilPaused(1, 'container does not exist')).rejects.toThrow('does not exist')
    expect(await readFile(join(directory, 'asked'), 'utf8')).toHaveLength(1)
  })
})
