import { errorMessage, failed } from '../../../../core/errors.ts'
import type { CommandContext } from '../../../command.ts'
import { authOf } from '../../../engine/registry-login.ts'
import type { Progress } from '../../../output/progress/progress.ts'
import type { ManagerApi } from '../manager-api.ts'

export interface Carrying {
  readonly api: ManagerApi
  readonly context: CommandContext
  readonly progress: Progress
  /** Of a pull: `linux/arm64`. */
  readonly platform?: string
}

const NEWS = {
  pull: { going: 'Pulling', done: 'Pulled', code: 'PULL_FAILED' },
  push: { going: 'Pushing', done: 'Pushed', code: 'PUSH_FAILED' },
} as const

/** Has all hosts pull an image, or one that has it push it. Throws PULL_FAILED or PUSH_FAILED. */
export async function carryImage(
  verb: keyof typeof NEWS,
  image: string,
  { api, context, progress, platform }: Carrying,
): Promise<void> {
  const { going, done, code } = NEWS[verb]
  progress.tell(`Image ${image}`, going)
  const auth = await authOf(image, context.env)
  const place = platform === undefined ? {} : { platform }
  try {
    await api.engine.images[verb](image, { ...auth, ...place }, context.signal)
  } catch (cause) {
    context.signal.throwIfAborted()
    throw failed(code, `Cannot ${verb} ${image}: ${errorMessage(cause)}`, { cause })
  }
  progress.tell(`Image ${image}`, done)
}
