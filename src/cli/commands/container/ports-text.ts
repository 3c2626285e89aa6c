import type { PortSummary } from '../../../docker-api/index.ts'

interface Group {
  readonly key: string
  readonly first: number
  readonly last: number
}

/** Published and exposed ports as `docker ps` shows them: neighbours as ranges, `0.0.0.0:80->80/tcp`. */
export function portsText(ports: readonly PortSummary[]): string {
  const finished: string[] = []
  const mapped: string[] = []
  const groups = new Map<string, Group>()
  for (const { IP = '', PrivatePort, PublicPort = 0, Type } of ports.toSorted(comparePorts)) {
    if (IP !== '' && PublicPort !== PrivatePort) {
      mapped.push(`${hostPort(IP, PublicPort)}->${PrivatePort}/${Type}`)
      continue
    }
    const key = IP === '' ? Type : `${IP}/${Type}`
    const group = groups.get(key)
    if (group !== undefined && PrivatePort === group.last + 1) {
      groups.set(key, { ...group, last: PrivatePort })
      continue
    }
    if (group !== undefined) finished.push(groupText(group))
    groups.set(key, { key, first: PrivatePort, last: PrivatePort })
  }
  return [...finished, ...[...groups.values()].map(groupText), ...mapped].join(', ')
}

function comparePorts(a: PortSummary, b: PortSummary): number {
  const text = (x = '', y = ''): number => (x < y ? -1 : x > y ? 1 : 0)
  return (
    a.PrivatePort - b.PrivatePort ||
    text(a.IP, b.IP) ||
    (a.PublicPort ?? 0) - (b.PublicPort ?? 0) ||
    text(a.Type, b.Type)
  )
}

function groupText({ key, first, last }: Group): string {
  const slash = key.lastIndexOf('/')
  const [ip, type] = slash < 0 ? ['', key] : [key.slice(0, slash), key.slice(slash + 1)]
  const range = first === last ? String(first) : `${first}-${last}`
  return ip === '' ? `${range}/${type}` : `${hostPort(ip, range)}->${range}/${type}`
}

function hostPort(ip: string, port: number | string): string {
  return `${ip.includes(':') ? `[${ip}]` : ip}:${port}`
}
