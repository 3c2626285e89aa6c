import { invalidInput, notFound } from '../../../core/errors.ts'
import type { ContainerInspect, PortBinding } from '../../../docker-api/index.ts'
import { pathOf, withEngine } from '../../engine/engine-api.ts'
import { printListing } from '../../engine/listing.ts'
import { renderCells } from '../../output/table.ts'

/** `shoal top`: the processes of a container. */
export const runTop = withEngine(async ({ api, args, context }) => {
  const [id = '', ...psArgs] = args
  const query = { ps_args: psArgs.join(' ') || undefined }
  const { Titles, Processes } = await api.ask<{ Titles: string[]; Processes: string[][] | null }>(
    'GET',
    pathOf('containers', id, 'top'),
    { query },
  )
  context.stdout.write(renderCells([Titles, ...(Processes ?? [])], { minWidth: 20, gap: 3 }))
})

const CHANGES = ['C', 'A', 'D']

/** `shoal diff`: what a container changed in its files. */
export const runDiff = withEngine(async command => {
  const { api, args } = command
  const changes = await api.ask<readonly { Path: string; Kind: number }[] | null>(
    'GET',
    pathOf('containers', args[0] ?? '', 'changes'),
  )
  const rows = (changes ?? []).map(({ Path, Kind }) => ({ Type: CHANGES[Kind] ?? '?', Path }))
  const { text } = command.options
  // Docker's default here is not a table.
  const options = {
    ...command.options,
    text: (name: string) => text(name) ?? (name === 'format' ? '{{.Type}} {{.Path}}' : undefined),
  }
  printListing({ ...command, options }, rows, { id: 'Path', fields: ['Type', 'Path'], titles: { Type: 'CHANGE TYPE' } })
})

/** `shoal port CONTAINER [PORT[/PROTOCOL]]`: where published ports are. */
export const runPort = withEngine(async ({ api, args, context }) => {
  const [id = '', wanted] = args
  const { NetworkSettings } = await api.ask<ContainerInspect>('GET', pathOf('containers', id, 'json'))
  const ports = NetworkSettings.Ports ?? {}
  if (wanted === undefined) {
    const lines = Object.entries(ports).flatMap(([port, hosts]) =>
      (hosts ?? []).map(host => `${port} -> ${hostText(host)}`),
    )
    context.stdout.write(
      lines
        .toSorted(byPort)
        .map(line => `${line}\n`)
        .join(''),
    )
    return
  }
  const [number = ''] = wanted.split('/')
  if (!/^\d+$/.test(number)) {
    throw invalidInput(
      'BAD_PORT',
      `Error: invalid port (${wanted}): strconv.ParseUint: parsing "${number}": invalid syntax`,
    )
  }
  const key = wanted.includes('/') ? wanted : `${wanted}/tcp`
  const hosts = ports[key] ?? []
  if (hosts.length === 0) throw notFound('NO_SUCH_PORT', `Error: No public port '${wanted}' published for ${id}`)
  context.stdout.write(hosts.map(host => `${hostText(host)}\n`).join(''))
})

function hostText({ HostIp = '', HostPort = '' }: PortBinding): string {
  return `${HostIp.includes(':') ? `[${HostIp}]` : HostIp}:${HostPort}`
}

/** In docker's natural order: by the number in front, then as text. */
function byPort(a: string, b: string): number {
  return Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1)
}
