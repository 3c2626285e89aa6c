import { invalidInput, type ShoalError } from '../../../core/errors.ts'

/** An instruction that cannot be read, with the line where it begins. */
export function lineError(line: number, why: string): ShoalError {
  return invalidInput('DOCKERFILE', `dockerfile parse error line ${line}: ${why}`, { details: { line } })
}

/** A file that cannot be cut into instructions. */
export function fileError(why: string): ShoalError {
  return invalidInput('DOCKERFILE', `failed to parse Dockerfile: ${why}`)
}
