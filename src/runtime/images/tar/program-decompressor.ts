import { type ChildProcess, spawn } from 'node:child_process'
import { Duplex, Readable } from 'node:stream'
import { failed, invalidInput } from '../../../core/errors.ts'
import { findProgram, PROGRAM_PATH } from '../../linux/process/run-command.ts'

const STDERR_CHARS_MAX = 500

/**
 * Unpacks what Node has no library for with the host's own `xz` or `bzip2`. The program lives as long as the stream; whoever
 * reads it bounds size and time. Throws PROGRAM_MISSING.
 */
export function programDecompressor(format: string): Duplex {
  const program = findProgram(format)
  if (program === undefined) {
    throw failed(
      'PROGRAM_MISSING',
      `The archive is packed with ${format}: install ${format}, or pack it with gzip or zstd`,
    )
  }
  const child = spawn(program, ['-dc'], { env: { PATH: PROGRAM_PATH }, stdio: ['pipe', 'pipe', 'pipe'] })
  // That the program ended early is told by its code, not by the broken pipe to it.
  child.stdin.on('error', () => {})
  const stream = Duplex.from({
    writable: child.stdin,
    readable: Readable.from(output(child, child.stdout, format)),
  } as unknown as Parameters<typeof Duplex.from>[0])
  stream.on('close', () => child.kill('SIGKILL'))
  return stream
}

async function* output(child: ChildProcess, stdout: AsyncIterable<Buffer>, format: string): AsyncGenerator<Buffer> {
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(0, STDERR_CHARS_MAX)
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve)
    child.once('error', reject)
  })
  ended.catch(() => {})
  yield* stdout
  const code = await ended
  if (code !== 0) {
    throw invalidInput('BAD_ARCHIVE', `The archive is damaged or cut off (${format}: ${stderr.trim()}): fetch it again`)
  }
}
