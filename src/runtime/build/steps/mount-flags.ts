import { invalidInput, unsupported } from '../../../core/errors.ts'
import { parseBytes } from '../../../core/units.ts'
import { expandWord, type WordRules } from '../dockerfile/expand.ts'

interface Place {
  readonly target: string
}

/** A `RUN --mount`. */
export type RunMount =
  | (Place & { readonly type: 'bind'; readonly from: string | undefined; readonly source: string })
  | (Place & {
      readonly type: 'cache'
      readonly id: string
      readonly readOnly: boolean
      readonly sharing: 'shared' | 'private' | 'locked'
      readonly uid: number
      readonly gid: number
      readonly mode: number
    })
  | (Place & { readonly type: 'tmpfs'; readonly sizeBytes: number | undefined })
  | {
      readonly type: 'secret'
      readonly id: string
      /** Absent: only as a variable. */
      readonly target: string | undefined
      readonly variable: string | undefined
      readonly required: boolean
      readonly uid: number
      readonly gid: number
      readonly mode: number
    }

type Fields = ReadonlyMap<string, string>

/** Fields that each type knows; any other is refused rather than ignored. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  bind: ['target', 'source', 'from', 'readonly', 'readwrite'],
  cache: ['target', 'id', 'readonly', 'sharing', 'mode', 'uid', 'gid'],
  tmpfs: ['target', 'size'],
  secret: ['target', 'id', 'required', 'mode', 'uid', 'gid', 'env'],
}
const ALIASES: Readonly<Record<string, string>> = {
  dst: 'target',
  destination: 'target',
  src: 'source',
  ro: 'readonly',
  rw: 'readwrite',
}

/** Reads the value of `--mount`, with variables in it. Throws BAD_MOUNT. */
export function readMount(text: string, rules: WordRules, workdir: string): RunMount {
  const fields = readFields(text, rules)
  const type = fields.get('type') ?? 'bind'
  if (type === 'ssh') {
    throw unsupported('NO_SSH_MOUNT', '--mount=type=ssh is not done here: there is no agent to reach; use a secret')
  }
  const known = KNOWN[type]
  if (known === undefined) throw badMount(`unsupported mount type ${JSON.stringify(type)}`)
  for (const key of fields.keys()) {
    if (key !== 'type' && !known.includes(key)) throw badMount(`unexpected key '${key}' for mount type '${type}'`)
  }
  const target = fields.get('target')
  if (type === 'secret') return readSecret(fields, target)
  if (target === undefined || target === '') throw badMount('target required')
  const path = target.startsWith('/') ? target : `${workdir}/${target}`
  if (type === 'cache') return readCache(fields, path)
  if (type === 'tmpfs') {
    const size = fields.get('size')
    return { type, target: path, sizeBytes: size === undefined ? undefined : parseBytes(size) }
  }
  if (isOn(fields, 'readwrite')) {
    throw unsupported('NO_WRITABLE_BIND', '--mount=type=bind,rw is not done here: copy the files, or use a cache')
  }
  return { type: 'bind', target: path, from: fields.get('from'), source: fields.get('source') ?? '' }
}

function readFields(text: string, rules: WordRules): Fields {
  const fields = new Map<string, string>()
  for (const part of text.split(',')) {
    const at = part.indexOf('=')
    const key = (at < 0 ? part : part.slice(0, at)).toLowerCase()
    const name = ALIASES[key] ?? key
    if (at < 0 && !['readonly', 'readwrite', 'required'].includes(name)) {
      throw badMount(`invalid field '${part}' must be a key=value pair`)
    }
    fields.set(name, at < 0 ? 'true' : expandWord(part.slice(at + 1), rules))
  }
  return fields
}

function readCache(fields: Fields, target: string): RunMount {
  const sharing = fields.get('sharing') ?? 'shared'
  if (sharing !== 'shared' && sharing !== 'private' && sharing !== 'locked') {
    throw badMount(`unsupported sharing value ${JSON.stringify(sharing)}`)
  }
  const id = fields.get('id') ?? target
  return { type: 'cache', target, id, sharing, readOnly: isOn(fields, 'readonly'), ...ownership(fields, 0o755) }
}

function readSecret(fields: Fields, target: string | undefined): RunMount {
  const id = fields.get('id') ?? target?.split('/').at(-1)
  if (id === undefined || id === '') throw badMount('invalid secret: id or target required')
  const variable = fields.get('env')
  const path = target ?? (variable === undefined ? `/run/secrets/${id}` : undefined)
  const required = isOn(fields, 'required')
  return { type: 'secret', id, target: path, variable, required, ...ownership(fields, 0o400) }
}

function ownership(
  fields: Fields,
  mode: number,
): { readonly uid: number; readonly gid: number; readonly mode: number } {
  const number = (name: string, fallback: number, radix: number): number => {
    const text = fields.get(name)
    if (text === undefined) return fallback
    const value = (radix === 8 ? /^[0-7]{1,5}$/ : /^\d{1,10}$/).test(text) ? Number.parseInt(text, radix) : -1
    if (value >= 0) return value
    throw badMount(`invalid value ${text} for ${name}`)
  }
  return { uid: number('uid', 0, 10), gid: number('gid', 0, 10), mode: number('mode', mode, 8) & 0o7777 }
}

function isOn(fields: Fields, name: string): boolean {
  const value = fields.get(name)?.toLowerCase() ?? 'false'
  if (value === 'true' || value === '1') return true
  if (value === 'false' || value === '0') return false
  throw badMount(`invalid value for ${name}: ${value}`)
}

function badMount(why: string): Error {
  return invalidInput('BAD_MOUNT', `invalid --mount: ${why}`)
}
