import { createInterface } from 'node:readline'
import type { CommandContext } from '../../command.ts'

/** Asks before something is deleted; without an answer that begins with y nothing is. */
export async function confirm(warning: string, { stdin, stdout }: CommandContext): Promise<boolean> {
  stdout.write(`${warning}\nAre you sure you want to continue? [y/N] `)
  const lines = createInterface({ input: stdin })
  try {
    for await (const line of lines) return /^y$/i.test(line.trim())
    return false
  } finally {
    lines.close()
  }
}
