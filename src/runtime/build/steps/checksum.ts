import { invalidInput } from '../../../core/errors.ts'
import { isAddress } from './remote-source.ts'

/** Reads what `ADD --checksum` says, which makes sense of one address only. Throws BAD_CHECKSUM. */
export function readChecksum(text: string | undefined, sources: readonly string[]): string | undefined {
  if (text === undefined) return undefined
  if (!/^sha256:[0-9a-f]{64}$/.test(text)) {
    throw invalidInput('BAD_CHECKSUM', `invalid checksum ${text}: expected sha256: and 64 hexadecimal digits`)
  }
  if (sources.length > 1) throw invalidInput('BAD_CHECKSUM', "checksum can't be specified for multiple sources")
  if (!sources.every(isAddress)) {
    throw invalidInput('BAD_CHECKSUM', "checksum can't be specified for non-HTTP(S) sources")
  }
  return text
}
