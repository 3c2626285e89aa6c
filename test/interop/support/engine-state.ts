import { canonicalJson } from '../../../src/core/digest.ts'
import { COMPOSE_LABELS } from '../../../src/core/model/compose-labels.ts'
import type { Engine } from '../../../src/docker-api/index.ts'

type Facts = Map<string, string>

/** What an engine has of a project, one fact a path: `container web HostConfig.Init` is `true`. */
export async function engineState(engine: Engine, project: string): Promise<Facts> {
  const facts: Facts = new Map()
  const filters = { label: [`${COMPOSE_LABELS.project}=${project}`] }
  const containers = await engine.containers.list({ all: true, filters })
  const ids = new Map(containers.map(({ Id, Names }) => [Id, withDashes((Names[0] ?? '').slice(1))]))
  const networks = await engine.networks.list({ filters })
  for (const { Id, Name } of networks) ids.set(Id, `<${Name}>`)
  const note = (path: string, value: unknown): void => {
    if (Array.isArray(value)) {
      for (const item of value.map(each => textOf(each, ids)).sort()) facts.set(`${path} has ${item}`, 'yes')
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, field] of Object.entries(value)) note(`${path} ${key}`, field)
    } else if (!isNothing(value)) facts.set(path, textOf(value, ids))
  }
  for (const { Id } of containers) {
    const { Name, Config, HostConfig, Mounts, NetworkSettings, State } = await engine.containers.inspect(Id)
    const labelled = (label: string): string => Config.Labels?.[label] ?? ''
    const service = `container ${labelled(COMPOSE_LABELS.service)} ${labelled(COMPOSE_LABELS.number)}`
    const { Hostname = '', ...config } = Config
    note(`${service} Name`, Name)
    note(`${service} Config`, { ...config, Hostname: Id.startsWith(Hostname) ? '' : Hostname })
    note(`${service} HostConfig`, HostConfig)
    note(`${service} State`, State.Status)
    for (const { Type, Name: volume = '', Source, Destination, RW } of Mounts) {
      const isNameless = /^[0-9a-f]{64}$/.test(volume)
      const source = Type === 'volume' ? (isNameless ? '<nameless>' : volume) : Source
      note(`${service} Mounts ${Destination}`, `${Type} ${source} ${RW}`)
    }
    for (const [network, { Aliases, IPAMConfig, Links }] of Object.entries(NetworkSettings.Networks)) {
      const aliases = (Aliases ?? []).filter(alias => !Id.startsWith(alias))
      const links = (Links ?? []).map(withDashes)
      note(`${service} Networks ${network}`, { on: true, Aliases: aliases, IPAMConfig, Links: links })
    }
  }
  for (const { Name, Driver, Internal, Attachable, Options, Labels, IPAM } of networks) {
    // Which addresses were free is chance.
    const config = (IPAM.Config ?? []).filter(({ Subnet }) => Subnet?.startsWith('172.29.55.'))
    note(`network ${Name}`, { Driver, Internal, Attachable, Options, Labels, Config: config })
  }
  for (const { Name, Driver, Options, Labels } of await engine.volumes.list({ filters })) {
    note(`volume ${Name}`, { Driver, Options, Labels })
  }
  return facts
}

/** Version 2 joins names by dashes. */
function withDashes(name: string): string {
  return name.replaceAll('_', '-')
}

/** Not asked for is as good as off. */
function isNothing(value: unknown): boolean {
  return value === null || value === undefined || value === '' || value === false || value === 0
}

function textOf(value: unknown, ids: ReadonlyMap<string, string>): string {
  const text = typeof value === 'string' ? value : canonicalJson(value)
  return [...ids].reduce((known, [id, name]) => known.replaceAll(id, `<${name}>`), text)
}

/** Facts that only one has, or has otherwise: `less: …` is the first's, `more: …` the second's. */
export function differences(first: Facts, second: Facts): readonly string[] {
  const only = (word: string, own: Facts, other: Facts): string[] =>
    [...own].flatMap(([path, value]) => (other.get(path) === value ? [] : [`${word}: ${path} = ${value}`]))
  return [...only('less', first, second), ...only('more', second, first)]
}
