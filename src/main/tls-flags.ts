import { readFile } from 'node:fs/promises'
import { badFlag, type Options } from '../cli/index.ts'
import { errorMessage } from '../core/errors.ts'
import { type ClientTls, clientTlsOf } from '../docker-api/index.ts'
import type { ServerTls } from '../docker-api/server/index.ts'
import type { DaemonFlag } from './daemon/daemon-flag.ts'

/** How engines and managers are told to serve TLS: the flags of dockerd and classic Swarm, with classic Swarm's messages. */
export const TLS_FLAGS: readonly DaemonFlag[] = [
  { name: 'tls', kind: 'switch', summary: 'serve tcp hosts with TLS; --tlsverify implies it' },
  { name: 'tlsverify', kind: 'switch', summary: 'let in only clients with a certificate of --tlscacert' },
  { name: 'tlscacert', value: 'path', kind: 'text', summary: 'certificate of the authority whose clients are let in' },
  { name: 'tlscert', value: 'path', kind: 'text', summary: "the server's certificate" },
  { name: 'tlskey', value: 'path', kind: 'text', summary: "the server's private key" },
]

export interface TlsFiles {
  readonly cert: string
  readonly key: string
  readonly ca?: string
}

/** Reads {@link TLS_FLAGS}; undefined without TLS. Throws BAD_FLAG. */
export function readTlsFlags(options: Options): TlsFiles | undefined {
  const verify = options.flag('tlsverify')
  const [cert, key, ca] = [options.text('tlscert'), options.text('tlskey'), options.text('tlscacert')]
  if (!verify && !options.flag('tls')) {
    if (cert === undefined && key === undefined && ca === undefined) return undefined
    throw badFlag('--tlscert, --tlskey and --tlscacert require the use of either --tls or --tlsverify')
  }
  if (cert === undefined || key === undefined) {
    throw badFlag('--tlscert and --tlskey must be provided when using --tls')
  }
  if (!verify) return { cert, key }
  if (ca === undefined) throw badFlag('--tlscacert must be provided when using --tlsverify')
  return { cert, key, ca }
}

/** What a daemon shows to the others of its cluster: its own certificate. */
export async function loadClientTls(files: TlsFiles | undefined): Promise<ClientTls | undefined> {
  return files === undefined ? undefined : clientTlsOf(await loadTls(files))
}

/** Reads the files of a server's certificate. Throws BAD_FLAG naming the file that cannot be read. */
export async function loadTls({ cert, key, ca }: TlsFiles): Promise<ServerTls> {
  const read = async (path: string): Promise<Buffer> => {
    try {
      return await readFile(path)
    } catch (error) {
      throw badFlag(`Cannot read the TLS file ${path}: ${errorMessage(error)}`)
    }
  }
  return { cert: await read(cert), key: await read(key), ...(ca === undefined ? {} : { ca: await read(ca) }) }
}
