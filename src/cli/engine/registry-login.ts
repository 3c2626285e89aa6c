import { parseImageReference } from '../../core/image-reference.ts'
import type { RegistryAuth } from '../../docker-api/index.ts'
import type { Environment } from '../command.ts'
import { configPath, type DockerConfig, readConfig, writeConfig } from './contexts/docker-config.ts'
import { askHelper, eraseFromHelper, type KeptBy, storeInHelper } from './credential-helper.ts'

/** Docker's own key for docker.io. */
const HUB = 'https://index.docker.io/v1/'

function keyOf(registry: string): string {
  return registry === 'docker.io' || registry === '' ? HUB : registry
}

/** Who we are to all registries we have logged in to, as builds need it; by docker's names of registries. */
export async function allLogins(env: Environment): Promise<Readonly<Record<string, RegistryAuth>>> {
  const config = await readConfig(configPath(env))
  const keys = new Set([...Object.keys(config.auths ?? {}), ...Object.keys(config.credHelpers ?? {})])
  const logins = await Promise.all([...keys].map(async key => [key, await loginOf(config, key)] as const))
  return Object.fromEntries(logins.flatMap(([key, login]) => (login === undefined ? [] : [[key, login]])))
}

/** Who we are to the registry of an image; undefined if we never logged in there. */
export async function loginFor(image: string, env: Environment): Promise<RegistryAuth | undefined> {
  return loginOf(await readConfig(configPath(env)), keyOf(parseImageReference(image).registry))
}

/** The same as an option of what goes to a registry. */
export async function authOf(image: string, env: Environment): Promise<{ readonly auth?: RegistryAuth }> {
  const auth = await loginFor(image, env)
  return auth === undefined ? {} : { auth }
}

/** From the program that keeps the secret, if one is named, else from the file. */
async function loginOf(config: DockerConfig, key: string): Promise<RegistryAuth | undefined> {
  const helper = helperOf(config, key)
  if (helper !== undefined) return askHelper(helper)
  const entry = config.auths?.[key]
  return entry === undefined ? undefined : decode(key, entry.auth ?? '', entry.identitytoken)
}

/** The program that keeps the secret of a registry; undefined: the file does. */
function helperOf({ credHelpers = {}, credsStore }: DockerConfig, serveraddress: string): KeptBy | undefined {
  const name = credHelpers[serveraddress] ?? credsStore
  return name === undefined || name === '' ? undefined : { name, serveraddress }
}

function decode(serveraddress: string, auth: string, identitytoken: string | undefined): RegistryAuth {
  const [username = '', ...password] = Buffer.from(auth, 'base64').toString().split(':')
  if (identitytoken !== undefined && identitytoken !== '') return { username, identitytoken, serveraddress }
  return { username, password: password.join(':'), serveraddress }
}

/** Resolves with where it is kept: by a helper, or readable by whoever may read the file. */
export async function saveLogin(registry: string, auth: RegistryAuth, env: Environment): Promise<'helper' | 'file'> {
  const path = configPath(env)
  const config = await readConfig(path)
  const key = keyOf(registry)
  const helper = helperOf(config, key)
  if (helper !== undefined) await storeInHelper(helper, auth)
  // What a helper keeps has an empty entry: docker, too, tells by it where we are logged in.
  await writeConfig(path, { ...config, auths: { ...config.auths, [key]: helper === undefined ? encode(auth) : {} } })
  return helper === undefined ? 'file' : 'helper'
}

/** A token stands in for the password it was got with, which is not kept then. */
function encode({ username = '', password = '', identitytoken }: RegistryAuth): {
  readonly auth: string
  readonly identitytoken?: string
} {
  const auth = (secret: string): string => Buffer.from(`${username}:${secret}`).toString('base64')
  return identitytoken === undefined ? { auth: auth(password) } : { auth: auth(''), identitytoken }
}

/** Resolves false if there was no login. */
export async function forgetLogin(registry: string, env: Environment): Promise<boolean> {
  const path = configPath(env)
  const config = await readConfig(path)
  const key = keyOf(registry)
  const helper = helperOf(config, key)
  const erased = helper !== undefined && (await eraseFromHelper(helper))
  const { [key]: known, ...others } = config.auths ?? {}
  if (known !== undefined) await writeConfig(path, { ...config, auths: others })
  return erased || known !== undefined
}
