import { familiarImageName, parseImageReference, splitReference } from '../../../core/image-reference.ts'
import { authHeader } from '../../../docker-api/index.ts'
import type { OutputStream } from '../../command.ts'
import type { EngineCommand } from '../../engine/engine-api.ts'
import { followProgress } from '../../engine/progress-stream.ts'
import { loginFor } from '../../engine/registry-login.ts'
import { createProgressDisplay } from '../../output/progress-display.ts'

export interface PullOptions {
  readonly quiet: boolean
  readonly output: OutputStream
  readonly allTags?: boolean
}

/** Pulls an image, showing how it goes. */
export async function pullImage(
  { api, options, context }: EngineCommand,
  image: string,
  pull: PullOptions,
): Promise<void> {
  const { name, tag } = splitReference(image)
  const query = {
    fromImage: familiarImageName(parseImageReference(name)).replace(/:latest$/, ''),
    tag: tag ?? (pull.allTags === true ? undefined : 'latest'),
    platform: options.text('platform'),
  }
  const headers = authHeader((await loginFor(image, context.env)) ?? {})
  const body = await api.stream('POST', '/images/create', { query, headers })
  const display = createProgressDisplay(pull.output)
  await followProgress(body, pull.quiet ? () => {} : display.show)
}
