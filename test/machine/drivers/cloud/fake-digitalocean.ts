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
  isSwitch,
  isText,
  isUpTo,
  lookAtBooting,
  md5,
  pageOf,
  removeById,
  SlowActions,
} from './fake-cloud.ts'

interface Droplet extends Booting {
  readonly id: number
  readonly name: string
  readonly tags: readonly string[]
}

const PAGES = { page: isPage, per_page: isUpTo(200) }
const isSlug: Check = value => typeof value === 'string' && /^[a-z0-9][a-z0-9-]*$/.test(value)
/** "Tags": letters, numbers, colons, dashes and underscores, 255 at most. */
const isTag: Check = value => typeof value === 'string' && /^[a-zA-Z0-9:_-]{1,255}$/.test(value)
const POWER: Readonly<Record<string, string>> = {
  power_on: 'active',
  power_off: 'off',
  shutdown: 'off',
  reboot: 'active',
}

/** DigitalOcean (docs.digitalocean.com/reference/api, version 2), as far as the driver uses it. */
export class FakeDigitalocean extends FakeCloud {
  readonly droplets: Droplet[] = []
  readonly keys: { id: number; fingerprint: string }[] = []
  readonly firewalled: unknown[] = []
  readonly #actions = new SlowActions({ running: 'in-progress', done: 'completed' })

  constructor(token: string) {
    const one = (id: string | undefined): Droplet | undefined => findById(this.droplets, id)
    const key = (id: string | undefined): { id: number } | undefined =>
      findById(this.keys, id) ?? this.keys.find(each => each.fingerprint === id)
    const slugs = (list: string, known: readonly string[]) => ({
      section: `List All ${list}`,
      method: 'GET',
      path: `/${list}`,
      query: PAGES,
      answer: ({ query }: Asked): readonly [number, unknown] => [
        200,
        page(
          list,
          known.map(slug => ({ slug })),
          query,
        ),
      ],
    })
    super({
      base: 'https://api.digitalocean.com/v2',
      token,
      error,
      operations: [
        slugs('regions', ['ams3', 'nyc3']),
        slugs('sizes', ['s-1vcpu-512mb', 's-1vcpu-1gb']),
        {
          section: 'Retrieve an Existing Image',
          method: 'GET',
          path: '/images/:slug',
          answer: ({ ids }) => (ids[0] === 'debian-12-x64' ? [200, { image: { slug: ids[0] } }] : [404, missing]),
        },
        {
          section: 'List All Droplets',
          method: 'GET',
          path: '/droplets',
          query: { ...PAGES, tag_name: isTag, name: isText },
          answer: ({ query }) => {
            const rows = this.droplets.filter(({ tags }) => tags.includes(query.get('tag_name') ?? ''))
            return [200, page('droplets', rows.map(shown), query)]
          },
        },
        {
          section: 'Create a New Droplet',
          method: 'POST',
          path: '/droplets',
          required: ['name', 'size', 'image'],
          body: {
            name: isHostName,
            region: isSlug,
            size: isSlug,
            image: isSlug,
            ssh_keys: isListOf(value => this.keys.some(({ id }) => id === value)),
            tags: isListOf(isTag),
            ipv6: isSwitch,
            backups: isSwitch,
            monitoring: isSwitch,
            vpc_uuid: value => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(String(value)),
            user_data: value => isText(value) && Buffer.byteLength(String(value)) <= 65_536,
          },
          answer: ({ body }) => {
            const tags = Array.isArray(body['tags']) ? body['tags'].map(String) : []
            const droplet = {
              id: 300 + this.droplets.length,
              name: String(body['name']),
              status: 'new',
              tags,
              polls: 2,
            }
            this.droplets.push(droplet)
            return [202, { droplet: shown(droplet), links: { actions: [{ id: 1, rel: 'create' }] } }]
          },
        },
        {
          section: 'Retrieve an Existing Droplet',
          method: 'GET',
          path: '/droplets/:id',
          answer: ({ ids }) => {
            const droplet = one(ids[0])
            if (droplet === undefined) return [404, missing]
            lookAtBooting(droplet, { booting: 'new', running: 'active' })
            return [200, { droplet: shown(droplet) }]
          },
        },
        {
          section: 'Delete an Existing Droplet',
          method: 'DELETE',
          path: '/droplets/:id',
          answer: ({ ids }) => (removeById(this.droplets, ids[0]) ? [204] : [404, missing]),
        },
        {
          section: 'Initiate a Droplet Action',
          method: 'POST',
          path: '/droplets/:id/actions',
          required: ['type'],
          body: { type: value => String(value) in POWER },
          answer: ({ ids, body }) => {
            const droplet = one(ids[0])
            if (droplet === undefined) return [404, missing]
            const done = (): void => void (droplet.status = POWER[String(body['type'])] ?? '')
            // Nobody asks for the action of a shutdown: the guest ends by itself.
            if (body['type'] === 'shutdown') done()
            return [201, { action: this.#actions.begin(done) }]
          },
        },
        {
          section: 'Retrieve an Existing Action',
          method: 'GET',
          path: '/actions/:id',
          answer: ({ ids }) => this.#actions.look(ids[0]),
        },
        {
          section: 'Retrieve an Existing Key',
          method: 'GET',
          path: '/account/keys/:id',
          answer: ({ ids }) => (key(ids[0]) === undefined ? [404, missing] : [200, { ssh_key: key(ids[0]) }]),
        },
        {
          section: 'Create a New Key',
          method: 'POST',
          path: '/account/keys',
          required: ['name', 'public_key'],
          body: { name: isText, public_key: isPublicKey },
          answer: ({ body }) => {
            const fingerprint = md5(String(body['public_key']))
            if (key(fingerprint) !== undefined) {
              return [422, error('unprocessable_entity', 'SSH Key is already in use on your account')]
            }
            const made = { id: 512 + this.keys.length, fingerprint }
            this.keys.push(made)
            return [201, { ssh_key: made }]
          },
        },
        {
          section: 'Delete an SSH Key',
          method: 'DELETE',
          path: '/account/keys/:id',
          answer: ({ ids }) => (removeById(this.keys, ids[0]) ? [204] : [404, missing]),
        },
        {
          section: 'Add Droplets to a Firewall',
          method: 'POST',
          path: '/firewalls/:id/droplets',
          required: ['droplet_ids'],
          body: { droplet_ids: isListOf(isNumber) },
          answer: ({ body }) => {
            this.firewalled.push(body['droplet_ids'])
            return [204]
          },
        },
      ],
    })
  }
}

function error(id: string, message: string): unknown {
  return { id, message, request_id: '4d9d8375-3c56-4925-a3e7-eb137fed17e9' }
}

const missing = error('not_found', 'The resource you were accessing could not be found.')

function shown({ id, name, status, tags }: Droplet): unknown {
  const v4 = [
    { ip_address: '10.128.192.124', type: 'private' },
    { ip_address: '192.0.2.7', type: 'public' },
  ]
  return { id, name, status, tags, networks: { v4: status === 'new' ? [] : v4, v6: [] } }
}

/** "Links & Meta" */
function page(list: string, all: readonly unknown[], query: URLSearchParams): unknown {
  const { rows, next } = pageOf(all, query)
  const pages = next === undefined ? {} : { next: `https://api.digitalocean.com/v2/${list}?page=${next}` }
  return { [list]: rows, links: { pages }, meta: { total: all.length } }
}
