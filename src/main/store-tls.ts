import { readFileSync } from 'node:fs'
import { badFlag } from '../cli/index.ts'
import { invalidInput } from '../core/errors.ts'
import type { EtcdOptions } from '../discovery/index.ts'

const KNOWN = ['kv.cacertfile', 'kv.certfile', 'kv.keyfile']

/** Reads the certificates that `--discovery-opt kv.…file=path` names; undefined without them. Throws BAD_FLAG. */
export function readStoreTls(options: Readonly<Record<string, string>>): EtcdOptions['tls'] {
  if (options['kv.path'] !== undefined) {
    throw badFlag(
      "--discovery-opt kv.path is not used: the cluster's name stands in the URL, etcd://host:port/<cluster>",
    )
  }
  const unknown = Object.keys(options).find(key => !KNOWN.includes(key))
  if (unknown !== undefined) throw badFlag(`--discovery-opt ${unknown} is not known: known are ${KNOWN.join(', ')}`)
  const read = (key: string): Buffer | undefined => {
    const path = options[key]
    if (path === undefined) return undefined
    try {
      return readFileSync(path)
    } catch (cause) {
      throw invalidInput('BAD_FLAG', `Cannot read ${path} (--discovery-opt ${key}): check the path`, { cause })
    }
  }
  const [ca, cert, key] = KNOWN.map(read)
  if (ca === undefined) {
    if (cert !== undefined || key !== undefined) throw badFlag('--discovery-opt kv.certfile needs kv.cacertfile too')
    return undefined
  }
  return { ca, ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) }
}
