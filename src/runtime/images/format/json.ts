import { errorMessage, invalidInput, type ShoalError } from '../../../core/errors.ts'

/** More than this is no description of an image. */
export const CONFIG_BYTES_MAX = 8 << 20
/** As many layers as the kernel stacks, and the image specification allows. */
export const LAYERS_MAX = 127

/** Reads a JSON object of an image. Throws BAD_MANIFEST. */
export function readObject(bytes: Buffer, what: string): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(bytes.toString('utf8'))
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>
  } catch (error) {
    throw badManifest(`its ${what} is not JSON (${errorMessage(error)})`)
  }
  throw badManifest(`its ${what} is not a JSON object`)
}

export function isDigest(value: unknown): value is string {
  return typeof value === 'string' && /^sha256:[a-f0-9]{64}$/.test(value)
}

export function badManifest(why: string): ShoalError {
  return invalidInput('BAD_MANIFEST', `The image is refused: ${why}; ask whoever made it`)
}
