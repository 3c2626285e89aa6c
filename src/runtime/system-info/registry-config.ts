import type { SystemInfo } from '../../docker-api/index.ts'

/** Where Docker's clients log in to when no registry is named. */
export const INDEX_SERVER = 'https://index.docker.io/v1/'
/** Always reached without TLS if need be. */
const LOOPBACK = ['::1/128', '127.0.0.0/8']

/** How registries are reached, as `GET /info` tells it. */
export function registryConfig(
  insecureRegistries: readonly string[],
  mirrors: readonly string[],
): NonNullable<SystemInfo['RegistryConfig']> {
  const isRange = (name: string): boolean => name.includes('/')
  const insecure = insecureRegistries.filter(name => !isRange(name))
  return {
    AllowNondistributableArtifactsCIDRs: [],
    AllowNondistributableArtifactsHostnames: [],
    InsecureRegistryCIDRs: [...LOOPBACK, ...insecureRegistries.filter(isRange)],
    IndexConfigs: {
      'docker.io': { Name: 'docker.io', Mirrors: mirrors, Secure: true, Official: true },
      ...Object.fromEntries(insecure.map(Name => [Name, { Name, Mirrors: [], Secure: false, Official: false }])),
    },
    Mirrors: mirrors,
  }
}
