/** Where things stand in the store. The only place that knows the layout of `design` section 3. */
export interface ClusterKeys {
  readonly root: string
  readonly meta: string
  readonly members: string
  readonly nodes: string
  readonly projects: string
  readonly services: string
  readonly networks: string
  readonly volumes: string
  readonly tasks: string
  readonly status: string
  readonly endpoints: string
  readonly blobs: string
  readonly reschedules: string
  readonly builds: string
  readonly files: string
  readonly election: string
  /** What members read of certificates: the authorities, what was revoked, and where managers are. */
  readonly publicTrust: string
  /** What only managers read: keys of authorities, hashes of tokens, who has which certificate. */
  readonly authority: string
  readonly joinTokens: string
  readonly certificateNames: string
  /** How far each manager has acted on what was taken back. */
  readonly revocationsActed: string
  readonly member: (node: string) => string
  readonly node: (node: string) => string
  readonly project: (name: string) => string
  readonly service: (id: string) => string
  readonly network: (name: string) => string
  readonly volume: (name: string) => string
  /** Without a node: the place of unplaced tasks. */
  readonly task: (node: string | undefined, id: string) => string
  readonly tasksOf: (node: string) => string
  readonly statusOf: (node: string, taskId: string) => string
  readonly endpoint: (network: string, ip: string) => string
  readonly endpointsOf: (network: string) => string
  readonly reschedule: (swarmId: string) => string
  /** By name, with its tag. */
  readonly build: (name: string) => string
  /** Packed files of a project's services, and what makes their names. */
  readonly filesOf: (project: string) => string
  readonly file: (project: string, id: string) => string
  readonly fileSalt: (project: string) => string
  readonly trustedAuthorities: string
  readonly revoked: (fingerprint: string) => string
  /** Where a manager is. */
  readonly managerPlace: (name: string) => string
  /** Somebody who is to make another key. */
  readonly renewal: (name: string) => string
  readonly joinToken: (id: string) => string
  readonly certificateName: (name: string) => string
  readonly revocationActed: (manager: string) => string
}

/** Name that stands for "no node" in the keys of unplaced tasks; no node may be called so. */
const UNPLACED = '-'

/** Every prefix ends with a slash, so that `web` never lists `web2`. */
export function clusterKeys(cluster: string): ClusterKeys {
  const root = `/shoal/${cluster}/`
  const under = (folder: string) => (name: string) => `${root}${folder}/${name}`
  return {
    root,
    meta: `${root}meta`,
    members: `${root}members/`,
    nodes: `${root}nodes/`,
    projects: `${root}projects/`,
    services: `${root}services/`,
    networks: `${root}networks/`,
    volumes: `${root}volumes/`,
    tasks: `${root}tasks/`,
    status: `${root}status/`,
    endpoints: `${root}endpoints/`,
    blobs: `${root}blobs/`,
    reschedules: `${root}reschedules/`,
    builds: `${root}builds/`,
    files: `${root}files/`,
    election: `${root}election/manager`,
    publicTrust: `${root}trust/public/`,
    authority: `${root}trust/authority`,
    joinTokens: `${root}trust/tokens/`,
    certificateNames: `${root}trust/names/`,
    revocationsActed: `${root}trust/acted/`,
    member: under('members'),
    node: under('nodes'),
    project: under('projects'),
    service: under('services'),
    network: under('networks'),
    volume: under('volumes'),
    task: (node, id) => `${root}tasks/${node ?? UNPLACED}/${id}`,
    tasksOf: node => `${root}tasks/${node}/`,
    statusOf: (node, taskId) => `${root}status/${node}/${taskId}`,
    endpoint: (network, ip) => `${root}endpoints/${network}/${ip}`,
    endpointsOf: network => `${root}endpoints/${network}/`,
    reschedule: under('reschedules'),
    build: under('builds'),
    filesOf: project => `${root}files/${project}/`,
    file: (project, id) => `${root}files/${project}/${id}/`,
    fileSalt: project => `${root}files/${project}/salt`,
    trustedAuthorities: `${root}trust/public/authorities`,
    revoked: under('trust/public/revoked'),
    managerPlace: under('trust/public/managers'),
    renewal: under('trust/public/renewals'),
    joinToken: under('trust/tokens'),
    certificateName: under('trust/names'),
    revocationActed: under('trust/acted'),
  }
}
