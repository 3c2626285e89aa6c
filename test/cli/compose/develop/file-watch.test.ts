import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { FileWatch } from '../../../../src/cli/commands/compose/develop/file-watch.ts'
import type { WatchRule } from '../../../../src/cli/commands/compose/develop/watch-rules.ts'
import { pollingClock } from '../../support/run.ts'

let directory: string
let watching: FileWatch | undefined
let warnings: string[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-watch-'))
  warnings = []
})
afterEach(async () => {
  watching?.close()
  await rm(directory, { recursive: true, force: true })
})

function ruleOf(path: string): WatchRule {
  const rules = { isRelevant: () => true, mayHoldRelevant: () => true }
  return { service: 'web', action: 'sync', path, target: '/app', initialSync: false, rules }
}

/** Begins to watch a path below the directory. */
async function watch(path: string): Promise<FileWatch> {
  const { signal } = new AbortController()
  const warn = (message: string): void => void warnings.push(message)
  watching = await FileWatch.start([ruleOf(join(directory, path))], { clock: pollingClock(), signal, warn })
  return watching
}

/** Waits until a file is told of, whatever else is. */
async function sees(files: FileWatch, kind: 'written' | 'removed', path: string): Promise<void> {
  for (;;) {
    const batch = await files.next()
    if (batch.some(({ changes }) => changes[kind].includes(path))) return
  }
}

it('goes on watching a directory that is removed and made anew', async () => {
  await mkdir(join(directory, 'src/d'), { recursive: true })
  const files = await watch('src')
  for (let i = 0; i < 10; i++) {
    await rm(join(directory, 'src/d'), { recursive: true })
    await mkdir(join(directory, 'src/d'))
    await writeFile(join(directory, `src/mark${i}`), '')
    await sees(files, 'written', `mark${i}`)
    await writeFile(join(directory, `src/d/inner${i}`), '')
    await sees(files, 'written', `d/inner${i}`)
  }
})

it('finds again what comes back after all that it was in has gone', async () => {
  await mkdir(join(directory, 'a/b/src'), { recursive: true })
  await writeFile(join(directory, 'a/b/src/one'), '')
  const files = await watch('a/b/src')
  await rm(join(directory, 'a'), { recursive: true })
  await sees(files, 'removed', 'one')
  await mkdir(join(directory, 'a'))
  await mkdir(join(directory, 'a/b/src'), { recursive: true })
  await writeFile(join(directory, 'a/b/src/two'), '')
  await sees(files, 'written', 'two')
})

it('warns once of a directory that cannot be read, and watches the rest', async () => {
  // Of a path that is longer than the system takes, which even root cannot read.
  const deep = join(...Array.from({ length: 12 }, () => 'd'.repeat(200)))
  const [upper, lower] = [join(directory, 'src', deep), join(directory, 'lower', deep)]
  await mkdir(upper, { recursive: true })
  await mkdir(lower, { recursive: true })
  await writeFile(join(upper, 'known'), '')
  const files = await watch('src')
  await rename(join(directory, 'lower'), join(upper, 'lower'))
  try {
    await writeFile(join(directory, 'src/a'), '')
    await sees(files, 'written', 'a')
    await rm(join(upper, 'known'))
    await sees(files, 'removed', `${deep}/known`)
    expect(warnings).toEqual([expect.stringMatching(/^changes in .+ are not seen: ENAMETOOLONG/)])
  } finally {
    await rename(join(upper, 'lower'), join(directory, 'lower'))
  }
})
