import { MachineLab } from './machine/lab.ts'
import { measureManyHosts } from './machine/many-hosts.ts'
import { measureOneHost } from './machine/one-host.ts'
import { measureTransports } from './machine/transports.ts'
import type { BenchRow } from './report.ts'

/** `machine` as its users start it, over SSH to namespace hosts of this machine, beside the programs of OpenSSH. */
export async function run(): Promise<readonly BenchRow[]> {
  const lab = await MachineLab.open()
  try {
    return [...(await measureOneHost(lab)), ...(await measureManyHosts(lab)), ...(await measureTransports(lab))]
  } finally {
    await lab.close()
  }
}
