import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { type FakeManager, startFakeManager } from './fake-manager.ts'
import { type Outcome, runCommand } from './run.ts'

/** What a test of compose's commands works with, new for each test. */
export interface ComposeProject {
  readonly manager: () => FakeManager
  readonly directory: () => string
  readonly write: (text: string) => Promise<void>
  readonly compose: (
    line: string,
    more?: Omit<NonNullable<Parameters<typeof runCommand>[1]>, 'cwd'>,
  ) => Promise<Outcome>
  /** What was sent to a call of Docker's API, the last time. */
  readonly sent: (call: string) => unknown
}

/** A directory with a compose file, and a fake manager to run it; both go after each test. */
export function composeProject(file: string): ComposeProject {
  let made: { readonly manager: FakeManager; readonly directory: string } | undefined
  const now = (): NonNullable<typeof made> => {
    if (made === undefined) throw new Error('No test runs')
    return made
  }
  const write = (text: string): Promise<void> => writeFile(join(now().directory, 'compose.yaml'), text)
  beforeEach(async () => {
    made = { manager: await startFakeManager(), directory: await mkdtemp(join(tmpdir(), 'shoal-cli-')) }
    await write(file)
  })
  afterEach(async () => {
    await now().manager.close()
    await rm(now().directory, { recursive: true })
  })
  return {
    manager: () => now().manager,
    directory: () => now().directory,
    write,
    compose: (line, more) =>
      runCommand(['-H', now().manager.host, ...line.split(' ')], { cwd: now().directory, ...more }),
    sent: call => now().manager.bodies.findLast(sent => sent.call === call)?.body,
  }
}
