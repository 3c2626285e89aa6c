import { familiarImageName, parseImageReference } from '../../../core/image-reference.ts'
import { withoutClusterLabels } from '../../../core/model/labels.ts'
import type { CommitOptions, ContainerConfig } from '../../../docker-api/index.ts'
import { mergeConfig } from '../life/merge-config.ts'
import { pauseContainer, unpauseIfPaused } from '../life/stop-container.ts'
import { isRunning } from '../record.ts'
import { emitContainer, type Room } from '../room.ts'
import { changesOf, holdRoot, isMountPoint } from './index.ts'

/** Makes an image of a container, whose processes are held meanwhile unless asked not to; resolves with its id. */
export async function commitContainer(room: Room, reference: string, options: CommitOptions): Promise<string> {
  const name = nameOf(options)
  const { id, config, imageId } = room.table.get(reference)
  const { comment, author } = options
  const given = room.commits.applyChanges(options.config ?? config, options.changes ?? [])
  const merged = imageConfig(mergeConfig(given, config))
  // A container that never ran gets a writable layer to make a layer of.
  await using held = await holdRoot(room, id)
  const pauses = options.pause !== false && (await pauseIfRunning(room, id))
  try {
    const made = await room.commits.commit({
      containerId: id,
      imageId,
      config: merged,
      containerConfig: imageConfig(config),
      createdBy: (config.Cmd ?? []).join(' '),
      changed: (await changesOf(room, id)).length > 0,
      skips: isMountPoint,
      ...(name === undefined ? {} : { name }),
      ...(comment === undefined ? {} : { comment }),
      ...(author === undefined ? {} : { author }),
    })
    emitContainer(room, held.record, 'commit', { comment: comment ?? '', imageID: made, imageRef: name ?? '' })
    return made
  } finally {
    if (pauses) await unpauseIfPaused(room, id)
  }
}

/**
 * Docker leaves out of an image what says nothing. What one container is to its cluster is left out too: it is not true of
 * the containers that will be made of the image.
 */
export function imageConfig(config: ContainerConfig): ContainerConfig {
  const optional: readonly string[] = ['ExposedPorts', 'StopSignal', 'Volumes']
  const said = { ...config, Labels: withoutClusterLabels(config.Labels) }
  const isSaid = ([field, value]: [string, unknown]): boolean =>
    !optional.includes(field) || (value !== '' && Object.keys(Object(value) as object).length > 0)
  return Object.fromEntries(Object.entries(said).filter(isSaid))
}

/** Throws 400 for a name no image can have. */
function nameOf({ repo, tag }: CommitOptions): string | undefined {
  if (repo === undefined || repo === '') return undefined
  const name = parseImageReference(tag === undefined || tag === '' ? repo : `${repo}:${tag}`)
  return familiarImageName(name.tag === undefined ? { ...name, tag: 'latest' } : name)
}

/** Resolves false if there is nothing to pause: it does not run, or it is paused already. */
async function pauseIfRunning(room: Room, id: string): Promise<boolean> {
  const record = room.table.get(id)
  if (!isRunning(record) || record.life.paused) return false
  await pauseContainer(room, id)
  return true
}
