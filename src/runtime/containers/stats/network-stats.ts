import type { NetworkStats } from '../../../docker-api/index.ts'

/** What /proc/<pid>/net/dev counts for each interface but the loopback; undefined if there is no other one. */
export function parseNetworkStats(text: string): Readonly<Record<string, NetworkStats>> | undefined {
  const interfaces = text.split('\n').flatMap((line): [string, NetworkStats][] => {
    const [, name = '', rest = ''] = /^\s*([^\s:]+):\s*(.*)$/.exec(line) ?? []
    return name === '' || name === 'lo' ? [] : [[name, countersOf(rest.trim().split(/\s+/).map(Number))]]
  })
  return interfaces.length === 0 ? undefined : Object.fromEntries(interfaces)
}

/** Columns: bytes, packets, errs, drop, fifo, frame, compressed, multicast received; then the same sent. */
function countersOf(columns: readonly number[]): NetworkStats {
  const at = (index: number): number => columns[index] ?? 0
  return {
    rx_bytes: at(0),
    rx_packets: at(1),
    rx_errors: at(2),
    rx_dropped: at(3),
    tx_bytes: at(8),
    tx_packets: at(9),
    tx_errors: at(10),
    tx_dropped: at(11),
  }
}
