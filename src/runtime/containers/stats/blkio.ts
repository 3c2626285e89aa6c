import type { BlkioEntry, BlkioStats } from '../../../docker-api/index.ts'

/** What is not measured: Docker's null. */
export const NO_BLKIO: BlkioStats = {
  io_service_bytes_recursive: null,
  io_serviced_recursive: null,
  io_queue_recursive: null,
  io_service_time_recursive: null,
  io_wait_time_recursive: null,
  io_merged_recursive: null,
  io_time_recursive: null,
  sectors_recursive: null,
}
const EMPTY_BLKIO = Object.fromEntries(Object.keys(NO_BLKIO).map(key => [key, []])) as unknown as BlkioStats

/** Lines such as `8:0 Read 4096`, from bytes and from numbers of operations. */
export function blkioOfV1(bytes: string | undefined, operations: string | undefined): BlkioStats {
  return {
    ...EMPTY_BLKIO,
    io_service_bytes_recursive: entriesOf(bytes),
    io_serviced_recursive: entriesOf(operations),
  }
}

function entriesOf(text: string | undefined): BlkioEntry[] {
  return (text ?? '').split('\n').flatMap(line => {
    const [, major, minor, op = '', value] = /^(\d+):(\d+) (\w+) (\d+)$/.exec(line) ?? []
    return op === '' ? [] : [{ major: Number(major), minor: Number(minor), op, value: Number(value) }]
  })
}

/** Lines such as `8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0`. */
export function blkioOfV2(text: string | undefined): BlkioStats {
  const entries: BlkioEntry[] = []
  for (const line of (text ?? '').split('\n')) {
    const [, major, minor, rest = ''] = /^(\d+):(\d+) (.*)$/.exec(line) ?? []
    const values = new Map(rest.split(' ').map(word => [word.split('=')[0], Number(word.split('=')[1])]))
    if (rest === '') continue
    for (const [op, key] of [
      ['read', 'rbytes'],
      ['write', 'wbytes'],
    ] as const) {
      entries.push({ major: Number(major), minor: Number(minor), op, value: values.get(key) ?? 0 })
    }
  }
  return { ...NO_BLKIO, io_service_bytes_recursive: entries }
}
