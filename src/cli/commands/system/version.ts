import { errorMessage } from '../../../core/errors.ts'
import { contextName } from '../../engine/docker-context.ts'
import { type EngineApi, type EngineCommand, explained, withEngine } from '../../engine/engine-api.ts'
import { compileTemplate } from '../../output/go-template/render.ts'

interface ServerVersion {
  readonly Version: string
  readonly ApiVersion: string
  readonly MinAPIVersion?: string
  readonly GitCommit?: string
  readonly GoVersion?: string
  readonly Os: string
  readonly Arch: string
  readonly BuildTime?: string
  readonly Experimental?: boolean
  readonly Platform?: { readonly Name: string }
  readonly Components?: readonly {
    readonly Name: string
    readonly Version: string
    readonly Details?: Readonly<Record<string, string>>
  }[]
}

/** `shoal version`: ours and the engine's. The engine may be away; then ours is shown, and the exit code is 1. */
export function versionCommand(version: string) {
  return withEngine(async (command: EngineCommand) => {
    const { options, context, api } = command
    const server = await serverVersion(api)
    const Context = contextName(command, context)
    const Client = { Version: version, Os: 'linux', Arch: 'amd64', Context }
    const Server = server instanceof Error ? null : server
    const format = options.text('format') ?? ''
    if (format === 'json') context.stdout.write(`${JSON.stringify({ Client, Server })}\n`)
    else if (format !== '') context.stdout.write(`${compileTemplate(format)({ Client, Server })}\n`)
    else {
      context.stdout.write(
        lines('Client', [
          [' Version', version],
          [' OS/Arch', 'linux/amd64'],
          [' Context', Context],
        ]),
      )
      if (Server !== null) context.stdout.write(`\n${serverText(Server)}`)
    }
    if (!(server instanceof Error)) return 0
    context.stderr.write(`${errorMessage(explained(server, ''))}\n`)
    return 1
  })
}

async function serverVersion(api: EngineApi): Promise<ServerVersion | Error> {
  try {
    return await api.ask<ServerVersion>('GET', '/version')
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

function serverText(server: ServerVersion): string {
  const { Components = [], Platform } = server
  const title = `Server${Platform === undefined || Platform.Name === '' ? '' : `: ${Platform.Name}`}`
  const minimum = server.MinAPIVersion === undefined ? '' : ` (minimum version ${server.MinAPIVersion})`
  const engine = lines(' Engine', [
    ['  Version', server.Version],
    ['  API version', `${server.ApiVersion}${minimum}`],
    ['  Go version', server.GoVersion ?? ''],
    ['  Git commit', server.GitCommit ?? ''],
    ['  Built', builtText(server.BuildTime ?? '')],
    ['  OS/Arch', `${server.Os}/${server.Arch}`],
    ['  Experimental', String(server.Experimental ?? false)],
  ])
  const others = Components.filter(({ Name }) => Name !== 'Engine').map(({ Name, Version, Details = {} }) => {
    const details = Object.entries(Details).toSorted(([x], [y]) => (x < y ? -1 : 1))
    return lines(` ${Name}`, [['  Version', Version], ...details.map(([key, value]) => [`  ${key}`, value] as const)])
  })
  return [`${title}\n`, engine, ...others].join('')
}

/** `Fri May 30 12:07:14 2025`, as C writes it. */
function builtText(time: string): string {
  const date = new Date(time)
  if (Number.isNaN(date.getTime())) return time
  const [, day = '', month = '', number = '', year = '', clock = ''] =
    /^(\w+) (\w+) (\d+) (\d+) ([\d:]+)/.exec(date.toUTCString().replace(/^(\w+), (\d+) (\w+)/, '$1 $3 $2')) ?? []
  return `${day} ${month} ${String(Number(number)).padStart(2)} ${clock} ${year}`
}

function lines(title: string, rows: readonly (readonly [string, string])[]): string {
  return `${title}:\n${rows.map(([name, value]) => `${`${name}:`.padEnd(20)}${value}\n`).join('')}`
}
