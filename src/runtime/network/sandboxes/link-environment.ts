/** A container that another one is linked to. */
export interface LinkedContainer {
  /** Name of the container that has the link, and what it calls the other. */
  readonly owner: string
  readonly alias: string
  readonly address: string
  /** `80/tcp`. */
  readonly exposedPorts: readonly string[]
  readonly environment: readonly string[]
}

/** Variables of a container that are its own business. */
const NOT_TOLD = ['HOME', 'PATH']

/** The variables by which older programs find what they are linked to, as dockerd sets them. */
export function linkEnvironment({ owner, alias, address, exposedPorts, environment }: LinkedContainer): string[] {
  const prefix = alias.toUpperCase().replaceAll('-', '_')
  const ports = exposedPorts
    .map(text => text.split('/'))
    .map(([port = '', protocol = 'tcp']) => ({ port: Number(port), protocol }))
    .filter(({ port }) => port > 0)
    .sort((a, b) => a.port - b.port)
  const [first] = ports
  return [
    ...(first === undefined ? [] : [`${prefix}_PORT=${first.protocol}://${address}:${first.port}`]),
    ...ports.flatMap(({ port, protocol }) => {
      const name = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`
      return [
        `${name}=${protocol}://${address}:${port}`,
        `${name}_ADDR=${address}`,
        `${name}_PORT=${port}`,
        `${name}_PROTO=${protocol}`,
      ]
    }),
    `${prefix}_NAME=/${owner}/${alias}`,
    ...environment
      .filter(entry => entry.includes('=') && !NOT_TOLD.includes(entry.split('=')[0] ?? ''))
      .map(entry => `${prefix}_ENV_${entry}`),
  ]
}
