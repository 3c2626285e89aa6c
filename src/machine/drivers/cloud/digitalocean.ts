import type { MachineState, Settings } from '../../model/machine.ts'
import type { DriverPorts } from '../driver.ts'
import { badFlag, listOf, optionalTextOf, textOf } from '../settings.ts'
import { type Fields, fieldsOf, idOf, rowsOf, textIn } from './answer.ts'
import type { CloudApi, CloudServer, PowerChange, ServerOrder } from './cloud-api.ts'
import { cloudDriver } from './cloud-driver.ts'
import { checkNumberId, checkSlug, checkTag } from './cloud-settings.ts'
import { cloudError, type ErrorWords, type RestClient, restClient, unlessGone } from './rest-client.ts'
import { waitForAction } from './wait-for-action.ts'

const TITLE = 'DigitalOcean'
const BASE = 'https://api.digitalocean.com/v2'
const TOKEN = 'digitalocean-access-token'
const PAGE_ROWS = 200
/** Of an action. */
const ENDS = { title: TITLE, done: 'completed', failed: 'errored' }

/** `status` of "Droplets" in the interface's reference. */
const STATES: Readonly<Record<string, MachineState>> = {
  new: 'Starting',
  active: 'Running',
  off: 'Stopped',
  archive: 'Saved',
}

/** `id` of an error, in the interface's reference. */
const WORDS: ErrorWords = {
  unauthorized: { remedy: `give a token with --${TOKEN} or $DIGITALOCEAN_ACCESS_TOKEN` },
  Unauthorized: { remedy: `give a token with --${TOKEN} or $DIGITALOCEAN_ACCESS_TOKEN` },
  forbidden: { remedy: 'make a token whose scopes allow it' },
  too_many_requests: { remedy: 'there were too many requests: try again in some minutes', mayPass: true },
  server_error: { remedy: 'try again later', mayPass: true },
  service_unavailable: { remedy: 'try again later', mayPass: true },
}

const ACTIONS: Readonly<Record<PowerChange, string>> = {
  on: 'power_on',
  off: 'power_off',
  shutdown: 'shutdown',
  reboot: 'reboot',
}

/** Droplets of DigitalOcean. */
export const digitaloceanDriver = cloudDriver({
  name: 'digitalocean',
  title: TITLE,
  summary: 'droplets of DigitalOcean',
  flags: [
    { name: TOKEN, type: 'text', summary: 'token', env: 'DIGITALOCEAN_ACCESS_TOKEN', required: true, secret: true },
    { name: 'digitalocean-image', type: 'text', summary: 'image', env: 'DIGITALOCEAN_IMAGE', preset: 'debian-12-x64' },
    { name: 'digitalocean-region', type: 'text', summary: 'region', env: 'DIGITALOCEAN_REGION', preset: 'nyc3' },
    { name: 'digitalocean-size', type: 'text', summary: 'size', env: 'DIGITALOCEAN_SIZE', preset: 's-1vcpu-1gb' },
    { name: 'digitalocean-ipv6', type: 'switch', summary: 'IPv6 too', env: 'DIGITALOCEAN_IPV6' },
    { name: 'digitalocean-backups', type: 'switch', summary: 'backups', env: 'DIGITALOCEAN_BACKUPS' },
    { name: 'digitalocean-monitoring', type: 'switch', summary: 'monitoring', env: 'DIGITALOCEAN_MONITORING' },
    { name: 'digitalocean-vpc', type: 'text', summary: 'id of a VPC', env: 'DIGITALOCEAN_VPC' },
    { name: 'digitalocean-tags', type: 'list', summary: 'tag of the droplet', env: 'DIGITALOCEAN_TAGS' },
    { name: 'digitalocean-firewalls', type: 'list', summary: 'id of a firewall', env: 'DIGITALOCEAN_FIREWALLS' },
    {
      name: 'digitalocean-userdata',
      type: 'text',
      summary: 'file of user data for cloud-init',
      env: 'DIGITALOCEAN_USERDATA',
    },
    {
      name: 'digitalocean-ssh-key-id',
      type: 'text',
      summary: 'id of an SSH key that is there',
      env: 'DIGITALOCEAN_SSH_KEY_ID',
    },
    {
      name: 'digitalocean-ssh-key-path',
      type: 'text',
      summary: 'file of its private half here',
      env: 'DIGITALOCEAN_SSH_KEY_PATH',
    },
    {
      name: 'digitalocean-ssh-user',
      type: 'text',
      summary: 'who logs in',
      env: 'DIGITALOCEAN_SSH_USER',
      preset: 'root',
    },
    {
      name: 'digitalocean-ssh-port',
      type: 'number',
      summary: 'port of sshd',
      env: 'DIGITALOCEAN_SSH_PORT',
      preset: 22,
    },
  ],
  flagNames: {
    sshUser: 'digitalocean-ssh-user',
    sshPort: 'digitalocean-ssh-port',
    keyId: 'digitalocean-ssh-key-id',
    keyPath: 'digitalocean-ssh-key-path',
    userData: 'digitalocean-userdata',
  },
  check(settings) {
    for (const flag of ['digitalocean-image', 'digitalocean-region', 'digitalocean-size']) {
      checkSlug(flag, optionalTextOf(settings, flag))
    }
    for (const tag of listOf(settings, 'digitalocean-tags')) checkTag('digitalocean-tags', tag)
    for (const flag of ['digitalocean-firewalls', 'digitalocean-vpc']) {
      for (const id of [...listOf(settings, flag), optionalTextOf(settings, flag) ?? '']) {
        if (!/^[0-9a-f-]*$/.test(id)) throw badFlag(flag, id, 'expected a UUID')
      }
    }
    const keyId = optionalTextOf(settings, 'digitalocean-ssh-key-id')
    if (keyId !== undefined) checkNumberId('digitalocean-ssh-key-id', keyId)
  },
  connect: (settings, ports, signal) => digitaloceanApi(settings, ports, signal),
})

function digitaloceanApi(settings: Settings, ports: DriverPorts, signal: AbortSignal): CloudApi {
  const site = { title: TITLE, base: BASE, token: textOf(settings, TOKEN), explain }
  const rest = restClient(site, ports, signal)
  return {
    checkNames: () => checkNames(rest, settings),
    async findServer(mark) {
      const [first] = await allRows(rest, '/droplets', 'droplets', { tag_name: markTag(mark) })
      return first === undefined ? undefined : serverOf(first)
    },
    async getServer(id) {
      const answer = await unlessGone(rest.ask({ method: 'GET', path: `/droplets/${id}` }))
      return answer === undefined ? undefined : serverOf(fieldsOf(answer, 'droplet'))
    },
    async createServer(order) {
      const answer = await rest.ask({ method: 'POST', path: '/droplets', body: orderBody(order, settings) })
      return serverOf(fieldsOf(answer, 'droplet'))
    },
    async power(id, change) {
      const body = { type: ACTIONS[change] }
      const answer = await rest.ask({ method: 'POST', path: `/droplets/${id}/actions`, body })
      // A shutdown that the guest does not follow ends as an error after minutes: whoever asked looks at the droplet instead.
      if (change !== 'shutdown') await waitForAction(answer, ENDS, { rest, clock: ports.clock, signal })
    },
    async deleteServer(id) {
      await unlessGone(rest.ask({ method: 'DELETE', path: `/droplets/${id}` }))
    },
    async findKey(fingerprint) {
      const answer = await unlessGone(rest.ask({ method: 'GET', path: `/account/keys/${fingerprint}` }))
      return answer === undefined ? undefined : idOf(fieldsOf(answer, 'ssh_key'))
    },
    async createKey(name, publicKey) {
      const body = { name, public_key: publicKey }
      return idOf(fieldsOf(await rest.ask({ method: 'POST', path: '/account/keys', body }), 'ssh_key'))
    },
    async deleteKey(id) {
      await unlessGone(rest.ask({ method: 'DELETE', path: `/account/keys/${id}` }))
    },
    async finish(id) {
      for (const firewall of listOf(settings, 'digitalocean-firewalls')) {
        const body = { droplet_ids: [Number(id)] }
        await rest.ask({ method: 'POST', path: `/firewalls/${firewall}/droplets`, body })
      }
    },
  }
}

/** The tag of all that belongs to one machine. */
function markTag(mark: string): string {
  return `shoal-machine:${mark}`
}

/** Body of "Create a New Droplet". */
function orderBody({ name, mark, keyId, userData }: ServerOrder, settings: Settings): Fields {
  const vpc = optionalTextOf(settings, 'digitalocean-vpc')
  return {
    name,
    region: textOf(settings, 'digitalocean-region'),
    size: textOf(settings, 'digitalocean-size'),
    image: textOf(settings, 'digitalocean-image'),
    ssh_keys: [Number(keyId)],
    tags: [...listOf(settings, 'digitalocean-tags'), markTag(mark)],
    ipv6: settings['digitalocean-ipv6'] === true,
    backups: settings['digitalocean-backups'] === true,
    monitoring: settings['digitalocean-monitoring'] === true,
    ...(vpc === undefined ? {} : { vpc_uuid: vpc }),
    ...(userData === undefined ? {} : { user_data: userData }),
  }
}

async function checkNames(rest: RestClient, settings: Settings): Promise<void> {
  for (const [flag, list] of [
    ['digitalocean-region', 'regions'],
    ['digitalocean-size', 'sizes'],
  ] as const) {
    const slug = textOf(settings, flag)
    const rows = await allRows(rest, `/${list}`, list)
    if (!rows.some(row => row['slug'] === slug)) throw badFlag(flag, slug, `${TITLE} has none of that name`)
  }
  const image = textOf(settings, 'digitalocean-image')
  if ((await unlessGone(rest.ask({ method: 'GET', path: `/images/${image}` }))) === undefined) {
    throw badFlag('digitalocean-image', image, `${TITLE} has none of that name`)
  }
}

/** All pages of a list. The address of the next page is not followed: only whether there is one. */
async function allRows(
  rest: RestClient,
  path: string,
  list: string,
  query: Readonly<Record<string, string>> = {},
): Promise<Fields[]> {
  const rows: Fields[] = []
  for (let page = 1; ; page++) {
    const asked = { ...query, page: String(page), per_page: String(PAGE_ROWS) }
    const answer = await rest.ask({ method: 'GET', path, query: asked })
    rows.push(...rowsOf(answer, list))
    if (fieldsOf(answer, 'links', 'pages')['next'] === undefined) return rows
  }
}

function serverOf(fields: Fields): CloudServer {
  const addresses = rowsOf(fields['networks'], 'v4')
  const address = (addresses.find(({ type }) => type === 'public') ?? addresses[0])?.['ip_address']
  const state = STATES[textIn(fields, 'status')] ?? 'Error'
  return { id: idOf(fields), state, ...(typeof address === 'string' ? { address } : {}) }
}

function explain(status: number, body: unknown): ReturnType<typeof cloudError> {
  const fields = fieldsOf(body)
  return cloudError(TITLE, WORDS, { status, code: textIn(fields, 'id'), message: textIn(fields, 'message') })
}
