import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { imageName, loadProject, nodeFileReader, type Project, servicesOf } from '../../../../compose/index.ts'
import { sleep } from '../../../../core/clock.ts'
import { errorCode, errorMessage, invalidInput } from '../../../../core/errors.ts'
import type { CommandContext, Invocation, Options } from '../../../command.ts'
import { findImage } from '../images/find-image.ts'
import { type ManagerApi, managerApi } from '../manager-api.ts'
import { loadOptions } from '../spec/project-options.ts'
import { runUp } from '../up/up.ts'
import { FileWatch } from './file-watch.ts'
import { type WatchRule, watchRules } from './watch-rules.ts'
import { WatchSession } from './watch-session.ts'

/** How often it is looked whether containers are new. */
const LOOK_MS = 5_000

/** `compose watch`: keeps the containers at what the files here say, by `develop.watch`, until Ctrl-C. */
export async function runWatch(invocation: Invocation, context: CommandContext): Promise<number> {
  const { args, options, globals } = invocation
  const project = loadProject(await loadOptions(globals, context, { services: args }), nodeFileReader)
  const rules = watchRules(project, args, await ignoreTexts(project))
  if (options.flag('dryRun')) {
    context.stdout.write(rules.map(ruleText).join(''))
    return 0
  }
  const { clock, signal, stderr } = context
  const warn = (message: string): void => void stderr.write(`Warning: ${message}\n`)
  // What changes while the images are built is not in them.
  const files = await FileWatch.start(rules, { clock, signal, warn })
  try {
    const bringUp = (services: readonly string[], choices: UpChoices): Promise<number> =>
      runUp({ ...invocation, args: services, options: upOptions(options, choices) }, context)
    if (options.choice('up') !== false) await bringUp(args, { build: true, deps: true })
    const api = managerApi(invocation, context)
    const session = new WatchSession({
      api,
      context,
      project: project.name,
      tell: news => void stderr.write(` ⦿ ${news}\n`),
      rebuild: async service => {
        const removeOld = options.choice('prune') === false ? undefined : await oldImage(project, service, api)
        await bringUp([service], { build: true, deps: false })
        await removeOld?.()
      },
    })
    stderr.write(' ⦿ Watch enabled\n')
    const first = rules
      .filter(({ initialSync, target }) => initialSync && target !== '')
      .map(rule => ({ rule, changes: { written: files.filesOf(rule), removed: [] } }))
    await session.begin([...new Set(rules.map(({ service }) => service))], first)
    return await follow(files, session, context)
  } finally {
    files.close()
  }
}

/** Until Ctrl-C, which rejects. */
async function follow(files: FileWatch, session: WatchSession, { clock, signal }: CommandContext): Promise<never> {
  let next = files.next()
  for (;;) {
    const batch = await Promise.race([next, sleep(clock, LOOK_MS, signal).then(() => undefined)])
    if (batch === undefined) await session.catchUp()
    else {
      await session.handle(batch)
      next = files.next()
    }
  }
}

interface UpChoices {
  readonly build: boolean
  readonly deps: boolean
}

/** `up -d --build`, of everything or of one service alone. */
function upOptions(own: Options, { build, deps }: UpChoices): Options {
  const on = new Set(['detach', ...(build ? ['build'] : []), ...(own.flag('quiet') ? ['quietBuild'] : [])])
  return {
    flag: name => on.has(name),
    choice: name => (name === 'deps' ? deps : undefined),
    text: () => undefined,
    list: () => [],
    number: () => undefined,
  }
}

/** What removes the image that a service has now, once another one has its name and nothing runs it. */
async function oldImage(project: Project, service: string, api: ManagerApi): Promise<() => Promise<void>> {
  const name = imageName(project.name, service, servicesOf(project.model)[service] ?? {})
  const before = await findImage(name, api)
  return async () => {
    if (before === undefined || (await findImage(name, api)) === before) return
    // Somebody may use it for something else: then it stays.
    await api.engine.images.remove(before, {}).catch(() => {})
  }
}

/** The `.dockerignore` of each build context. */
async function ignoreTexts({ model }: Project): Promise<(context: string) => string> {
  const contexts = Object.values(servicesOf(model)).flatMap(({ build }) => {
    const context = (build as { readonly context?: unknown } | undefined)?.context
    return typeof context === 'string' ? [context] : []
  })
  const texts = new Map<string, string>()
  for (const context of contexts) {
    texts.set(context, await ignoreText(join(context, '.dockerignore')))
  }
  return context => texts.get(context) ?? ''
}

async function ignoreText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return ''
    // Without it, what it keeps away from the containers would be copied there.
    throw invalidInput('UNREADABLE_FILE', `Cannot read ${path}: ${errorMessage(error)}`)
  }
}

function ruleText({ service, action, path, target }: WatchRule): string {
  return `${action} ${path}${target === '' ? '' : ` to ${target}`} (service ${service})\n`
}
