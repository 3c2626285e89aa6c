import type { ListedDetails } from './container-types.ts'

/** What a list is asked for them with; Docker's engines take no notice of it. */
export const DETAILS_QUERY = 'shoal-details'

/** The parts of a description that a list may tell. */
export function listedDetails({ Created, State, HostConfig, Config, NetworkSettings }: ListedDetails): ListedDetails {
  const { Health } = State
  return {
    Created,
    State: {
      ...pick(State, ['Status', 'StartedAt', 'FinishedAt', 'ExitCode']),
      ...(Health === undefined ? {} : { Health: pick(Health, ['Status']) }),
    },
    HostConfig: pick(HostConfig, [
      'NetworkMode',
      'NanoCpus',
      'CpuShares',
      'Memory',
      'MemoryReservation',
      'PortBindings',
    ]),
    Config: pick(Config, ['ExposedPorts']),
    NetworkSettings: pick(NetworkSettings, ['Ports']),
  }
}

function pick<T extends object, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.map(key => [key, from[key]])) as Pick<T, K>
}
