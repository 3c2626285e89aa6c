import { isDeepStrictEqual } from 'node:util'
import { failed } from '../../core/errors.ts'
import { COMPOSE_LABELS } from '../../core/model/compose-labels.ts'
import type {
  ContainerInspect,
  ContainerSummary,
  HostConfig,
  ListedDetails,
  PortSummary,
} from '../../docker-api/index.ts'
import type { HostPort } from '../../scheduler/index.ts'
import { amount, checkedStatus, checkedSummary, text } from './checked-summary.ts'
import type { ContainerDetails, HeldContainer } from './held-container.ts'
import { hostPortsOf } from './host-ports.ts'
import { summaryOf } from './summary-of.ts'

/** What is shown of a container depends on where it is. */
export interface HoldingNode {
  readonly name: string
  /** Shown instead of "every address". */
  readonly address: string
  readonly nanoCpus: number
}

/** What engines count all CPUs as. */
const SHARES_OF_ALL = 1_024

/**
 * A container by its line in a list; what was known of it besides stays, unless the line tells that too. Throws BAD_ANSWER for a line
 * that is none.
 */
export function holdLine(node: HoldingNode, summary: ContainerSummary, kept: HeldContainer | undefined): HeldContainer {
  return hold(
    node,
    checkedSummary(summary),
    hasDetails(summary) ? detailsOf(node, summary.Details, kept) : kept?.details,
  )
}

/** Whether a line leaves nothing out that is kept of a container. */
export function hasDetails(
  summary: ContainerSummary,
): summary is ContainerSummary & { readonly Details: ListedDetails } {
  return isDescription(summary.Details)
}

/** A container by all that its engine says of it. Throws BAD_ANSWER for an answer that is none. */
export function holdInspected(
  node: HoldingNode,
  inspect: ContainerInspect,
  kept: HeldContainer | undefined,
): HeldContainer {
  if (!isDescription(inspect) || typeof inspect.Id !== 'string') {
    throw failed('BAD_ANSWER', 'The engine describes a container with something that is no description')
  }
  return hold(node, checkedSummary(summaryOf(inspect, kept)), detailsOf(node, inspect, kept))
}

function isDescription(told: Partial<ListedDetails> | null | undefined): boolean {
  return typeof told?.State?.Status === 'string' && typeof told.Config === 'object' && told.Config !== null
}

/** Those that are kept already, if nothing of them has changed. */
function detailsOf(node: HoldingNode, told: ListedDetails, kept: HeldContainer | undefined): ContainerDetails {
  const { StartedAt, FinishedAt, ExitCode, Health } = told.State
  const Status = checkedStatus(told.State.Status)
  const host = (told.HostConfig as HostConfig | null | undefined) ?? {}
  const isOnHost = host.NetworkMode === 'host'
  const mayBind = Status !== 'exited' && Status !== 'dead' && !isOnHost
  const details: ContainerDetails = {
    createdMs: Date.parse(told.Created) || (kept?.createdMs ?? 0),
    state: {
      Status,
      StartedAt,
      FinishedAt,
      ExitCode,
      ...(Health?.Status === undefined ? {} : { Health: { Status: Health.Status } }),
    },
    nanoCpus: cpusOf(host, node),
    memoryBytes: amount(host.MemoryReservation) || amount(host.Memory),
    hostPorts: mayBind ? boundPorts(told, host) : [],
    hostModePorts: isOnHost ? Object.keys(told.Config.ExposedPorts ?? {}) : [],
  }
  return kept?.details !== undefined && isDeepStrictEqual(kept.details, details) ? kept.details : details
}

function cpusOf({ NanoCpus, CpuShares }: HostConfig, { nanoCpus }: HoldingNode): number {
  return amount(NanoCpus) || (amount(CpuShares) * nanoCpus) / SHARES_OF_ALL
}

/** Ports that were given when it started, and those it asks for before it does. */
function boundPorts({ NetworkSettings }: Pick<ListedDetails, 'NetworkSettings'>, host: HostConfig): HostPort[] {
  const given = hostPortsOf({
    PortBindings: (NetworkSettings as Partial<typeof NetworkSettings> | undefined)?.Ports ?? {},
  })
  return given.length > 0 ? given : hostPortsOf(host)
}

function hold(node: HoldingNode, listed: ContainerSummary, details: ContainerDetails | undefined): HeldContainer {
  const summary = COMPOSE_LABELS.project in listed.Labels ? withEngine(listed, node) : listed
  const { State, Status, ...line } = {
    ...FIELDS,
    ...summary,
    Names: summary.Names.map(name => `/${node.name}${name}`),
    Ports: once(summary.Ports.map(port => onNode(port, node))),
  }
  const networks = Object.entries(summary.NetworkSettings.Networks ?? {})
  const networkMode = summary.HostConfig.NetworkMode
  return {
    id: summary.Id,
    node: node.name,
    name: ownName(summary),
    labels: summary.Labels,
    image: summary.Image,
    imageId: summary.ImageID,
    createdMs: details?.createdMs ?? summary.Created * 1_000,
    ports: summary.Ports,
    networks: networks.map(([name, { NetworkID }]) => ({ name, id: text(NetworkID) })),
    mounts: summary.Mounts.flatMap(({ Name, Source, Destination }) => [text(Name), text(Source), text(Destination)]),
    networkMode,
    status: State,
    listedStatus: Status,
    hostModePorts: details?.hostModePorts ?? listedHostPorts(summary, networkMode),
    line: JSON.stringify(line).slice(0, -1),
    ...(details === undefined ? {} : { details }),
  }
}

/** A port of every address is told for both kinds of address, which are one on the node's own. */
function once(ports: readonly PortSummary[]): PortSummary[] {
  return [...new Map(ports.map(port => [JSON.stringify(port, PORT_FIELDS), port])).values()]
}

/** Lists and descriptions give a line's fields in different orders; what is written of them shall be the same. */
const FIELDS = { Id: '', Names: [], Image: '', ImageID: '', Command: '', Created: 0, Ports: [], Labels: {} }

const PORT_FIELDS = ['IP', 'PrivatePort', 'PublicPort', 'Type'] satisfies (keyof PortSummary)[]

/** For tools that know of projects and not of nodes. */
function withEngine(summary: ContainerSummary, { name }: HoldingNode): ContainerSummary {
  return { ...summary, Labels: { ...summary.Labels, [COMPOSE_LABELS.engine]: name } }
}

/** A container that is linked has more names, each below another container's. */
function ownName({ Names }: ContainerSummary): string {
  return (Names.find(name => !name.slice(1).includes('/')) ?? Names[0] ?? '').replace(/^\//, '')
}

function listedHostPorts({ Ports }: ContainerSummary, networkMode: string): readonly string[] {
  return networkMode === 'host' ? Ports.map(({ PrivatePort, Type }) => `${PrivatePort}/${Type}`) : []
}

function onNode(port: PortSummary, { address }: HoldingNode): PortSummary {
  return port.IP === '0.0.0.0' || port.IP === '::' ? { ...port, IP: address } : port
}
