/** Docker compose's labels, by which tools know the containers of a project. */
export const COMPOSE_LABELS = {
  project: 'com.docker.compose.project',
  service: 'com.docker.compose.service',
  /** The replica's number. */
  number: 'com.docker.compose.container-number',
  /** `True`: made by `run`, no replica of its service. */
  oneOff: 'com.docker.compose.oneoff',
  slug: 'com.docker.compose.slug',
  hash: 'com.docker.compose.config-hash',
  /** Id of the image that it was made of. */
  image: 'com.docker.compose.image',
  workingDir: 'com.docker.compose.project.working_dir',
  configFiles: 'com.docker.compose.project.config_files',
  version: 'com.docker.compose.version',
  /** `db:service_healthy:false,cache:service_started:true`: what it depends on, how, and whether it restarts with it. */
  dependsOn: 'com.docker.compose.depends_on',
  /** Of networks and volumes: their key in the file. */
  network: 'com.docker.compose.network',
  volume: 'com.docker.compose.volume',
  /** Shown of a project's containers by a manager: the node that has it. No container carries it. */
  engine: 'com.docker.compose.engine',
} as const
