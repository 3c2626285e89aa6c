import { readFile } from 'node:fs/promises'
import { badFlag, type Options, readUlimit } from '../../cli/index.ts'
import { errorMessage } from '../../core/errors.ts'
import { ipFamily } from '../../core/ip.ts'
import { parseBytes } from '../../core/units.ts'
import { type ContainerDefaults, checkContainerDefaults } from '../../runtime/index.ts'
import { nonEmpty, optional, readOne, readText } from './read-flag.ts'

const SECCOMP_BYTES_MAX = 1 << 20

/** Reads what holds for containers that say nothing themselves; undefined if no flag does. Throws BAD_FLAG. */
export function containerSettings(options: Options): ContainerDefaults | undefined {
  const logOptions = options.list('logOpt').map(pair)
  const defaults: ContainerDefaults = {
    ...optional('dns', nonEmpty(options.list('dns').map(nameServer))),
    ...optional('dnsSearch', nonEmpty(options.list('dnsSearch'))),
    ...optional('dnsOptions', nonEmpty(options.list('dnsOpt'))),
    ...optional('logDriver', options.text('logDriver')),
    ...optional('logOptions', logOptions.length === 0 ? undefined : Object.fromEntries(logOptions)),
    ...optional('ulimits', nonEmpty(options.list('defaultUlimit').map(ulimit))),
    ...optional('shmBytes', shmBytes(options)),
    ...optional('ipcMode', oneOf(options, 'defaultIpcMode', 'default-ipc-mode', ['private', 'shareable'])),
    ...optional('cgroupnsMode', oneOf(options, 'defaultCgroupnsMode', 'default-cgroupns-mode', ['host', 'private'])),
    ...optional('init', options.choice('init')),
    ...optional('noNewPrivileges', options.choice('noNewPrivileges')),
  }
  try {
    checkContainerDefaults(defaults)
  } catch (error) {
    throw badFlag(`Cannot use --log-driver or --log-opt: ${errorMessage(error)}`)
  }
  return Object.keys(defaults).length === 0 ? undefined : defaults
}

/** The profile of `--seccomp-profile`: a file is read now, as what is wrong with it is better known before containers start. */
export async function readSeccompProfile(options: Options): Promise<string | undefined> {
  const path = options.text('seccompProfile')
  if (path === undefined || path === '' || path === 'builtin') return undefined
  if (path === 'unconfined') return path
  try {
    const bytes = await readFile(path)
    if (bytes.length > SECCOMP_BYTES_MAX) throw new Error(`it has more than ${SECCOMP_BYTES_MAX} bytes`)
    const seccomp = bytes.toString()
    checkContainerDefaults({ seccomp })
    return seccomp
  } catch (error) {
    throw badFlag(`Cannot use --seccomp-profile "${path}": ${errorMessage(error)}`)
  }
}

function nameServer(text: string): string {
  return readOne(text, { flag: 'dns', expected: 'an IP address' }, address =>
    ipFamily(address) === undefined ? undefined : address,
  )
}

function pair(text: string): [string, string] {
  return readOne(text, { flag: 'log-opt', expected: 'name=value' }, written => {
    const at = written.indexOf('=')
    return at < 1 ? undefined : [written.slice(0, at), written.slice(at + 1)]
  })
}

function ulimit(text: string): ReturnType<typeof readUlimit> {
  try {
    return readUlimit(text)
  } catch (error) {
    throw badFlag(`Cannot use --default-ulimit "${text}": ${errorMessage(error)}`)
  }
}

function shmBytes(options: Options): number | undefined {
  const flag = { option: 'defaultShmSize', flag: 'default-shm-size', expected: 'a size, such as 64m' }
  return readText(options, flag, text => {
    const bytes = parseBytes(text)
    return bytes > 0 ? bytes : undefined
  })
}

function oneOf(options: Options, option: string, flag: string, values: readonly string[]): string | undefined {
  return readText(options, { option, flag, expected: values.join(' or ') }, text =>
    values.includes(text) ? text : undefined,
  )
}
