import { ShoalError } from '../../../../core/errors.ts'
import type { ManagerApi } from '../manager-api.ts'

/** The id of an image, by its name or an id; undefined if no host has it. */
export async function findImage(reference: string, { engine }: ManagerApi): Promise<string | undefined> {
  try {
    return (await engine.images.inspect(reference)).Id
  } catch (error) {
    if (error instanceof ShoalError && error.status === 404) return undefined
    throw error
  }
}
