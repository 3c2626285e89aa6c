import { errorMessage, invalidInput, ShoalError } from '../../../../core/errors.ts'
import type { ProjectSpec } from '../../../../core/model/service.ts'
import type { Progress } from '../../../output/progress/progress.ts'
import type { ManagerApi } from '../manager-api.ts'

/** Reads `--rmi`. Throws BAD_FLAG. */
export function readRmi(text: string | undefined): 'all' | 'local' | undefined {
  if (text === undefined || text === 'all' || text === 'local') return text
  throw invalidInput('BAD_FLAG', `invalid value for --rmi: "${text}": expected all or local`)
}

/** The images of a project's services: all, or only those that were built for it and have no name of their own. Pure. */
export function imagesOf({ name: project, services }: ProjectSpec, which: 'all' | 'local'): readonly string[] {
  const names = services
    .filter(({ name, container }) => which === 'all' || container.image === `${project}-${name}`)
    .map(({ container }) => container.image)
  return [...new Set(names)]
}

/** Removes images from all hosts; one that is used elsewhere stays, which is told. */
export async function removeImages(
  images: readonly string[],
  { api, progress }: { readonly api: ManagerApi; readonly progress: Progress },
): Promise<void> {
  for (const image of images) {
    try {
      await api.engine.images.remove(image, {})
      progress.tell(`Image ${image}`, 'Removed')
    } catch (error) {
      if (error instanceof ShoalError && error.status === 404) progress.tell(`Image ${image}`, 'Not there')
      else progress.warn(`image ${image} is kept: ${errorMessage(error)}`)
    }
  }
}
