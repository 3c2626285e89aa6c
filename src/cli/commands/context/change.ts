import { EXIT_CODES, errorMessage, failed, invalidInput } from '../../../core/errors.ts'
import type { CommandContext, RunCommand } from '../../command.ts'
import { checkContextName, DEFAULT_CONTEXT } from '../../engine/contexts/context-name.ts'
import type { ContextRecord } from '../../engine/contexts/context-record.ts'
import { ContextStore } from '../../engine/contexts/context-store.ts'
import { configPath, readConfig, writeConfig } from '../../engine/contexts/docker-config.ts'
import { contextName } from '../../engine/docker-context.ts'
import { copyContext, makeEndpoint, readKeys } from './endpoint.ts'

/** `shoal context create NAME`: from `--docker`, or a copy of another one, or of what is used now. */
export const runCreate: RunCommand = async (invocation, context) => {
  const { args, options } = invocation
  const [name = ''] = args
  checkContextName(name)
  const store = new ContextStore(context.env)
  const given = options.list('docker')
  const from = options.text('from')
  if (given.length > 0 && from !== undefined) {
    throw invalidInput('BAD_FLAG', 'cannot use --docker flag when --from is set')
  }
  const said = options.text('description')
  const described = said === undefined || said === '' ? {} : { Description: said }
  if (given.length > 0) {
    const { docker, tls } = await makeEndpoint(readKeys(given), store, { invocation, context })
    await store.create({ name, metadata: described, endpoints: { docker } }, tls)
  } else {
    const source = from ?? contextName(invocation, context)
    const { record, tls } = await copyContext(source, store, { invocation, context })
    await store.create({ ...record, name, metadata: { ...record.metadata, ...described } }, tls)
  }
  tellDone(context, name, `Successfully created context "${name}"`)
}

/** `shoal context update NAME`: what is not said stays. */
export const runUpdate: RunCommand = async (invocation, context) => {
  const { args, options } = invocation
  const [name = ''] = args
  checkContextName(name)
  const store = new ContextStore(context.env)
  const before = await store.load(name)
  const said = options.text('description') ?? ''
  const metadata = { ...before.metadata, ...(said === '' ? {} : { Description: said }) }
  const given = options.list('docker')
  if (given.length === 0) await store.save({ ...before, metadata })
  else {
    const { docker, tls } = await makeEndpoint(readKeys(given), store, { invocation, context })
    const { docker: _gone, ...others } = await store.loadTls(name)
    await store.save({ ...before, metadata, endpoints: { ...before.endpoints, docker } }, { ...others, ...tls })
  }
  tellDone(context, name, `Successfully updated context "${name}"`)
}

/** `shoal context use NAME`: from now on, in docker's own configuration. */
export const runUse: RunCommand = async ({ args }, context) => {
  const [name = ''] = args
  if (name !== DEFAULT_CONTEXT) {
    checkContextName(name)
    await new ContextStore(context.env).load(name)
  }
  await useContext(name, context)
  tellDone(context, name, `Current context is now "${name}"`)
  const variable = hostVariable(context)
  if (variable === undefined || name === DEFAULT_CONTEXT) return
  context.stderr.write(
    `Warning: ${variable} environment variable overrides the active context. To use "${name}", either set the global --context flag, or unset ${variable} environment variable.\n`,
  )
}

/** `shoal context rm NAME…`: prints the names that are gone; the others are told one by one. */
export const runRemove: RunCommand = async ({ args, options }, context) => {
  const store = new ContextStore(context.env)
  const inUse = (await readConfig(configPath(context.env))).currentContext
  const force = options.flag('force')
  let code: number = EXIT_CODES.done
  for (const name of args) {
    try {
      const isThere = await isKept(store, name, force)
      if (name === DEFAULT_CONTEXT) throw failed('DEFAULT_CONTEXT', `context "${DEFAULT_CONTEXT}" cannot be removed`)
      if (!isThere && !force) throw failed('NO_SUCH_CONTEXT', `context ${JSON.stringify(name)} does not exist`)
      if (name === inUse) {
        if (!force) throw failed('CONTEXT_IN_USE', `context "${name}" is in use, set -f flag to force remove`)
        await useContext(DEFAULT_CONTEXT, context)
      }
      await store.remove(name)
      context.stdout.write(`${name}\n`)
    } catch (error) {
      context.stderr.write(`${errorMessage(error)}\n`)
      code = EXIT_CODES.failed
    }
  }
  return code
}

/** A context that cannot be read can still be removed by force. */
async function isKept(store: ContextStore, name: string, force: boolean): Promise<boolean> {
  try {
    return await store.has(name)
  } catch (error) {
    if (force) return true
    throw error
  }
}

async function useContext(name: string, { env }: CommandContext): Promise<void> {
  const path = configPath(env)
  const { currentContext: _before, ...config } = await readConfig(path)
  // Docker writes its logins too when it makes the file.
  await writeConfig(path, {
    ...config,
    auths: config.auths ?? {},
    ...(name === DEFAULT_CONTEXT ? {} : { currentContext: name }),
  })
}

/** The variable that names a host whatever context is in use. */
export function hostVariable({ env }: Pick<CommandContext, 'env'>): string | undefined {
  return ['SHOAL_HOST', 'DOCKER_HOST'].find(name => (env[name] ?? '') !== '')
}

export function tellDone({ stdout, stderr }: CommandContext, name: ContextRecord['name'], sentence: string): void {
  stdout.write(`${name}\n`)
  stderr.write(`${sentence}\n`)
}
