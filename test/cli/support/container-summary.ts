import type { ContainerSummary } from '../../../src/docker-api/index.ts'

/** A line of `docker ps`. */
export function containerSummary(name: string, more: Partial<ContainerSummary> = {}): ContainerSummary {
  return {
    Id: `id-of-${name}`,
    Names: [`/${name}`],
    Image: 'web:1',
    ImageID: 'sha256:a',
    Command: 'serve',
    Created: 1_000,
    Ports: [],
    Labels: {},
    State: 'running',
    Status: 'Up 5 minutes',
    HostConfig: { NetworkMode: 'default' },
    NetworkSettings: { Networks: {} },
    Mounts: [],
    ...more,
  }
}
