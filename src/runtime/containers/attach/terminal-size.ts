import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { errorCode } from '../../../core/errors.ts'

/** Tells conmon, through its control fifo, how large the terminal is. Nobody there any more is fine. */
export async function writeTerminalSize(
  controlPath: string,
  { height, width }: { readonly height: number; readonly width: number },
): Promise<void> {
  try {
    await using fifo = await open(controlPath, constants.O_WRONLY | constants.O_NONBLOCK)
    await fifo.write(`1 ${height} ${width}\n`)
  } catch (error) {
    if (!['ENXIO', 'ENOENT'].includes(errorCode(error) ?? '')) throw error
  }
}
