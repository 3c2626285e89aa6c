import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { until } from '../../scripts/lib/command.ts'

/** A command of the docker client that goes on by itself: what it has said, and whether it has ended. */
export class OpenStream {
  readonly #child: ChildProcessWithoutNullStreams
  said = ''
  hasEnded = false

  constructor(host: string, ...argv: string[]) {
    this.#child = spawn('docker', ['-H', host, ...argv], {
      env: { PATH: process.env['PATH'], HOME: '/nonexistent' },
    })
    const hear = (data: Buffer): void => {
      this.said += String(data)
    }
    this.#child.stdout.on('data', hear)
    this.#child.stderr.on('data', hear)
    this.#child.stdin.on('error', () => {})
    this.#child.on('close', () => {
      this.hasEnded = true
    })
  }

  write(text: string): void {
    this.#child.stdin.write(text)
  }

  /** Resolves once it says this. */
  async says(text: string): Promise<void> {
    await until(`${text} to be said`, async () => (this.said.includes(text) ? true : undefined))
  }

  /** Resolves once it says anything from now on. */
  async saysMore(): Promise<void> {
    const { length } = this.said
    await until('more to be said', async () => (this.said.length > length ? true : undefined))
  }

  /** Ends its input; resolves when it has ended. */
  async end(): Promise<void> {
    this.#child.stdin.end()
    await until('the stream to end', async () => (this.hasEnded ? true : undefined))
  }

  /** Harmless if it has ended. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }
}
