/**
 * Where `shoal compose` on one engine differs from docker-compose 1.29.2 on purpose: as docker compose 2 does. Each reason
 * with the differences it explains, as `engineState` tells them; `*` stands for anything.
 */
export const COMPOSE_DIFFERENCES: readonly (readonly [why: string, ...patterns: string[]])[] = [
  ['names are joined by dashes since version 2', '*: container * Name = /*'],
  ['images that are built have a dash in their name', '*: container * Config Image = *'],
  ['it is another version, and has another hash', '*: * com.docker.compose.version = *', '*config-hash = *'],
  [
    'version 2 tells what a container was made of',
    'more: * com.docker.compose.depends_on = *',
    'more: * com.docker.compose.image = *',
  ],
  ['a container answers to its own name on its networks', 'more: container * Networks * Aliases has *'],
  ['networks are attachable only where the file says so', 'less: network * Attachable = true'],
  ['only volumes without a name are named in the configuration', 'less: container * Config Volumes *'],
  [
    'a link does not lead to the name without the project (`db_1:db_1`) under which version 1 knew it too',
    'less: container * Networks * Links has *',
  ],
  ['labels name files by their whole path', '*: container * com.docker.compose.project.config_files = *'],
  [
    'labels of a network and a volume hold its key in the file, not the name it is given there',
    '*: network * com.docker.compose.network = *',
    '*: volume * com.docker.compose.volume = *',
  ],
  [
    'configs are given to containers; version 1 passes them over',
    'more: container helper 1 Mounts /etc/setting = *',
    'more: container helper 1 HostConfig Mounts has *"Target":"/etc/setting"*',
  ],
  [
    'a volume that is not copied to is written in the short form, as all that it can say',
    'less: container limited * HostConfig Mounts has *"NoCopy":true*',
    'more: container limited * HostConfig Binds has named-shared:/shared:rw,nocopy = yes',
  ],
]

/** Whether a difference is one of those. */
export function isDeliberate(difference: string): boolean {
  return COMPOSE_DIFFERENCES.some(([, ...patterns]) => patterns.some(pattern => matches(difference, pattern)))
}

function matches(text: string, pattern: string): boolean {
  const parts = pattern.split('*').map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`).test(text)
}
