import type { ProjectSpec } from '../../../../core/model/service.ts'

/** Ids of images that were built for a project, by their names. */
export type BuiltImages = ReadonlyMap<string, string>

/**
 * The same project with exactly these images: a name alone would not tell the hosts, or the plan, that the image was built
 * anew. Pure.
 */
export function pinImages(spec: ProjectSpec, built: BuiltImages): ProjectSpec {
  return {
    ...spec,
    services: spec.services.map(service => {
      const imageId = built.get(service.container.image)
      return imageId === undefined ? service : { ...service, container: { ...service.container, imageId } }
    }),
  }
}

/** The images that a project is pinned to. Pure. */
export function pinnedImages(spec: ProjectSpec | undefined): BuiltImages {
  return new Map(
    (spec?.services ?? []).flatMap(({ container: { image, imageId } }) =>
      imageId === undefined ? [] : [[image, imageId] as const],
    ),
  )
}
