import {
  type Asked,
  type Booting,
  type Check,
  FakeCloud,
  findById,
  isHostName,
  isListOf,
  isNumber,
  isPage,
  isPublicKey,
  isRecord,
  isSwitch,
  isText,
  isUpTo,
  lookAtBooting,
  md5,
  pageOf,
  removeById,
  SlowActions,
} from './fake-cloud.ts'

export interface HetznerServer extends Booting {
  readonly id: number
  readonly name: string
  readonly labels: unknown
}

/** "Labels": keys and values of Kubernetes' kind. */
const isLabels: Check = value =>
  isRecord(value) &&
  Object.entries(value).every(
    ([key, text]) =>
      /^[a-zA-Z0-9]([a-zA-Z0-9._/-]{0,61}[a-zA-Z0-9])?$/.test(key) && /^[a-zA-Z0-9._-]{0,63}$/.test(String(text)),
  )
const isPublicNet: Check = value =>
  isRecord(value) && Object.entries(value).every(([key, on]) => /^enable_ipv[46]$/.test(key) && isSwitch(on))
const isFirewalls = isListOf(
  value => isRecord(value) && Object.keys(value).join() === 'firewall' && isNumber(value['firewall']),
)
const PAGES = { page: isPage, per_page: isUpTo(50) }

/** Hetzner Cloud (docs.hetzner.cloud, version 1), as far as the driver uses it. */
export class FakeHetzner extends FakeCloud {
  readonly servers: HetznerServer[] = []
  readonly keys: { id: number; fingerprint: string; labels: unknown }[] = []
  readonly #actions = new SlowActions({ running: 'running', done: 'success' })

  constructor(token: string) {
    const begin = (done: () => void): unknown => this.#actions.begin(done)
    const one = (id: string | undefined): HetznerServer | undefined => findById(this.servers, id)
    const power =
      (status: string) =>
      ({ ids }: Asked): readonly [number, unknown] => {
        const server = one(ids[0])
        if (server === undefined) return [404, error('not_found', 'server not found')]
        return [201, { action: begin(() => (server.status = status)) }]
      }
    const names = (list: string, known: string) => ({
      section: `Get all ${list}`,
      method: 'GET',
      path: `/${list}`,
      query: { ...PAGES, name: isText },
      answer: ({ query }: Asked): readonly [number, unknown] => [
        200,
        page(list, query.get('name') === known ? [{ id: 1, name: known }] : [], query),
      ],
    })
    super({
      base: 'https://api.hetzner.cloud/v1',
      token,
      error,
      operations: [
        names('server_types', 'cx22'),
        names('images', 'debian-12'),
        names('locations', 'fsn1'),
        {
          section: 'Get all Servers',
          method: 'GET',
          path: '/servers',
          query: { ...PAGES, label_selector: isText, name: isText, status: isText, sort: isText },
          answer: ({ query }) => {
            const [key = '', value] = (query.get('label_selector') ?? '').split('=')
            const rows = this.servers.filter(({ labels }) => isRecord(labels) && labels[key] === value)
            return [200, page('servers', rows.map(shown), query)]
          },
        },
        {
          section: 'Create a Server',
          method: 'POST',
          path: '/servers',
          required: ['name', 'server_type', 'image'],
          body: {
            name: isHostName,
            server_type: isText,
            image: isText,
            location: isText,
            ssh_keys: isListOf(value => this.keys.some(({ id }) => id === value)),
            labels: isLabels,
            start_after_create: isSwitch,
            placement_group: isNumber,
            firewalls: isFirewalls,
            networks: isListOf(isNumber),
            user_data: value => isText(value) && Buffer.byteLength(String(value)) <= 32_768,
            public_net: isPublicNet,
          },
          answer: ({ body }) => {
            if (this.servers.some(({ name }) => name === body['name'])) {
              return [409, error('uniqueness_error', 'server name is already used')]
            }
            const server = {
              id: 40 + this.servers.length,
              name: String(body['name']),
              status: 'initializing',
              labels: body['labels'],
              polls: 2,
            }
            this.servers.push(server)
            return [201, { server: shown(server), action: begin(() => {}), next_actions: [], root_password: null }]
          },
        },
        {
          section: 'Get a Server',
          method: 'GET',
          path: '/servers/:id',
          answer: ({ ids }) => {
            const server = one(ids[0])
            if (server === undefined) return [404, error('not_found', 'server not found')]
            lookAtBooting(server, { booting: 'initializing', running: 'running' })
            return [200, { server: shown(server) }]
          },
        },
        {
          section: 'Delete a Server',
          method: 'DELETE',
          path: '/servers/:id',
          answer: ({ ids }) => {
            const server = one(ids[0])
            if (server === undefined) return [404, error('not_found', 'server not found')]
            return [200, { action: begin(() => this.servers.splice(this.servers.indexOf(server), 1)) }]
          },
        },
        {
          section: 'Power on a Server',
          method: 'POST',
          path: '/servers/:id/actions/poweron',
          answer: power('running'),
        },
        { section: 'Power off a Server', method: 'POST', path: '/servers/:id/actions/poweroff', answer: power('off') },
        { section: 'Shutdown a Server', method: 'POST', path: '/servers/:id/actions/shutdown', answer: power('off') },
        {
          section: 'Soft-reboot a Server',
          method: 'POST',
          path: '/servers/:id/actions/reboot',
          answer: power('running'),
        },
        {
          section: 'Get an Action',
          method: 'GET',
          path: '/actions/:id',
          answer: ({ ids }) => this.#actions.look(ids[0]),
        },
        {
          section: 'Get all SSH keys',
          method: 'GET',
          path: '/ssh_keys',
          query: {
            ...PAGES,
            fingerprint: value => /^([0-9a-f]{2}:){15}[0-9a-f]{2}$/.test(String(value)),
            name: isText,
            label_selector: isText,
          },
          answer: ({ query }) => [
            200,
            page(
              'ssh_keys',
              this.keys.filter(key => key.fingerprint === query.get('fingerprint')),
              query,
            ),
          ],
        },
        {
          section: 'Create an SSH key',
          method: 'POST',
          path: '/ssh_keys',
          required: ['name', 'public_key'],
          body: { name: isText, public_key: isPublicKey, labels: isLabels },
          answer: ({ body }) => {
            const fingerprint = md5(String(body['public_key']))
            if (this.keys.some(key => key.fingerprint === fingerprint)) {
              return [409, error('uniqueness_error', 'SSH key with the same fingerprint already exists')]
            }
            const key = { id: 70 + this.keys.length, fingerprint, labels: body['labels'] }
            this.keys.push(key)
            return [201, { ssh_key: key }]
          },
        },
        {
          section: 'Delete an SSH key',
          method: 'DELETE',
          path: '/ssh_keys/:id',
          answer: ({ ids }) => (removeById(this.keys, ids[0]) ? [204] : [404, error('not_found', 'SSH key not found')]),
        },
      ],
    })
  }
}

function error(code: string, message: string): unknown {
  return { error: { code, message, details: null } }
}

function shown({ id, name, status, labels }: HetznerServer): unknown {
  return {
    id,
    name,
    status,
    labels,
    public_net: { ipv4: { ip: '192.0.2.7' }, ipv6: { ip: '2001:db8::/64' } },
    private_net: [],
  }
}

/** "Pagination" */
function page(list: string, all: readonly unknown[], query: URLSearchParams): unknown {
  const { at, rows, next = null } = pageOf(all, query)
  return {
    [list]: rows,
    meta: {
      pagination: {
        page: at,
        per_page: 1,
        previous_page: null,
        next_page: next,
        last_page: all.length,
        total_entries: all.length,
      },
    },
  }
}
