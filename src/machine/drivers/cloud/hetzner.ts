import type { MachineState, Settings } from '../../model/machine.ts'
import type { DriverPorts } from '../driver.ts'
import { badFlag, listOf, optionalTextOf, textOf } from '../settings.ts'
import { type Fields, fieldsOf, idOf, rowsOf, textIn } from './answer.ts'
import type { CloudApi, CloudServer, PowerChange, ServerOrder } from './cloud-api.ts'
import { cloudDriver } from './cloud-driver.ts'
import { checkLabel, checkNumberId } from './cloud-settings.ts'
import { cloudError, type ErrorWords, type RestClient, restClient, unlessGone } from './rest-client.ts'
import { waitForAction } from './wait-for-action.ts'

const TITLE = 'Hetzner'
const BASE = 'https://api.hetzner.cloud/v1'
const TOKEN = 'hetzner-api-token'
/** Label of all that belongs to one machine. */
const MARK = 'shoal-machine'
const PAGE_ROWS = '50'
/** Of an action. */
const ENDS = { title: TITLE, done: 'success', failed: 'error' }

/** "Server status" of the interface's reference. */
const STATES: Readonly<Record<string, MachineState>> = {
  running: 'Running',
  initializing: 'Starting',
  starting: 'Starting',
  stopping: 'Stopping',
  off: 'Stopped',
  deleting: 'Stopping',
  migrating: 'Starting',
  rebuilding: 'Starting',
}

/** "Error codes" of the interface's reference. */
const WORDS: ErrorWords = {
  unauthorized: { remedy: `give a token of the project with --${TOKEN} or $HETZNER_API_TOKEN` },
  token_readonly: { remedy: 'make a token that may read and write' },
  forbidden: { remedy: 'the token may not do this' },
  resource_limit_exceeded: { remedy: 'the project has all the servers it may: remove one, or ask for a higher limit' },
  resource_unavailable: { remedy: 'choose another location or type', mayPass: true },
  placement_error: { remedy: 'choose another location or type', mayPass: true },
  locked: { remedy: 'something else is being done to it: try again', mayPass: true },
  conflict: { remedy: 'it was changed meanwhile: try again', mayPass: true },
  rate_limit_exceeded: { remedy: 'there were too many requests: try again in some minutes', mayPass: true },
  maintenance: { remedy: 'try again later', mayPass: true },
  service_error: { remedy: 'try again later', mayPass: true },
}

const ACTIONS: Readonly<Record<PowerChange, string>> = {
  on: 'poweron',
  off: 'poweroff',
  shutdown: 'shutdown',
  reboot: 'reboot',
}

/** Servers of Hetzner Cloud. */
export const hetznerDriver = cloudDriver({
  name: 'hetzner',
  title: TITLE,
  summary: 'servers of Hetzner Cloud',
  flags: [
    {
      name: TOKEN,
      type: 'text',
      summary: 'token of a project',
      env: 'HETZNER_API_TOKEN',
      required: true,
      secret: true,
    },
    { name: 'hetzner-image', type: 'text', summary: 'image', env: 'HETZNER_IMAGE', preset: 'debian-12' },
    { name: 'hetzner-server-type', type: 'text', summary: 'type of the server', env: 'HETZNER_TYPE', preset: 'cx22' },
    {
      name: 'hetzner-server-location',
      type: 'text',
      summary: "location (default: Hetzner's choice)",
      env: 'HETZNER_LOCATION',
    },
    {
      name: 'hetzner-server-label',
      type: 'list',
      summary: 'label of the server: key=value',
      env: 'HETZNER_SERVER_LABELS',
    },
    { name: 'hetzner-firewalls', type: 'list', summary: 'id of a firewall', env: 'HETZNER_FIREWALLS' },
    { name: 'hetzner-networks', type: 'list', summary: 'id of a private network', env: 'HETZNER_NETWORKS' },
    {
      name: 'hetzner-placement-group',
      type: 'text',
      summary: 'id of a placement group',
      env: 'HETZNER_PLACEMENT_GROUP',
    },
    { name: 'hetzner-disable-public-ipv6', type: 'switch', summary: 'no public IPv6 address' },
    { name: 'hetzner-user-data', type: 'text', summary: 'file of user data for cloud-init', env: 'HETZNER_USER_DATA' },
    {
      name: 'hetzner-existing-key-id',
      type: 'text',
      summary: 'id of an SSH key that is there',
      env: 'HETZNER_EXISTING_KEY_ID',
    },
    {
      name: 'hetzner-existing-key-path',
      type: 'text',
      summary: 'file of its private half here',
      env: 'HETZNER_EXISTING_KEY_PATH',
    },
    { name: 'hetzner-ssh-user', type: 'text', summary: 'who logs in', env: 'HETZNER_SSH_USER', preset: 'root' },
    { name: 'hetzner-ssh-port', type: 'number', summary: 'port of sshd', env: 'HETZNER_SSH_PORT', preset: 22 },
  ],
  flagNames: {
    sshUser: 'hetzner-ssh-user',
    sshPort: 'hetzner-ssh-port',
    keyId: 'hetzner-existing-key-id',
    keyPath: 'hetzner-existing-key-path',
    userData: 'hetzner-user-data',
  },
  check(settings) {
    for (const label of listOf(settings, 'hetzner-server-label')) checkLabel('hetzner-server-label', label)
    for (const flag of ['hetzner-firewalls', 'hetzner-networks'])
      for (const id of listOf(settings, flag)) checkNumberId(flag, id)
    for (const flag of ['hetzner-placement-group', 'hetzner-existing-key-id']) {
      const id = optionalTextOf(settings, flag)
      if (id !== undefined) checkNumberId(flag, id)
    }
  },
  connect: (settings, ports, signal) => hetznerApi(settings, ports, signal),
})

function hetznerApi(settings: Settings, ports: DriverPorts, signal: AbortSignal): CloudApi {
  const site = { title: TITLE, base: BASE, token: textOf(settings, TOKEN), explain }
  const rest = restClient(site, ports, signal)
  const finished = (answer: unknown): Promise<void> => waitForAction(answer, ENDS, { rest, clock: ports.clock, signal })
  return {
    checkNames: () => checkNames(rest, settings),
    async findServer(mark) {
      const [first] = await allRows(rest, 'servers', { label_selector: `${MARK}=${mark}` })
      return first === undefined ? undefined : serverOf(first)
    },
    async getServer(id) {
      const answer = await unlessGone(rest.ask({ method: 'GET', path: `/servers/${id}` }))
      return answer === undefined ? undefined : serverOf(fieldsOf(answer, 'server'))
    },
    async createServer(order) {
      const answer = await rest.ask({ method: 'POST', path: '/servers', body: orderBody(order, settings) })
      return serverOf(fieldsOf(answer, 'server'))
    },
    async power(id, change) {
      await finished(await rest.ask({ method: 'POST', path: `/servers/${id}/actions/${ACTIONS[change]}` }))
    },
    async deleteServer(id) {
      const answer = await unlessGone(rest.ask({ method: 'DELETE', path: `/servers/${id}` }))
      if (answer !== undefined) await finished(answer)
    },
    async findKey(fingerprint) {
      const [first] = await allRows(rest, 'ssh_keys', { fingerprint })
      return first === undefined ? undefined : idOf(first)
    },
    async createKey(name, publicKey) {
      const body = { name, public_key: publicKey, labels: { [MARK]: name.slice(name.lastIndexOf('-') + 1) } }
      return idOf(fieldsOf(await rest.ask({ method: 'POST', path: '/ssh_keys', body }), 'ssh_key'))
    },
    async deleteKey(id) {
      await unlessGone(rest.ask({ method: 'DELETE', path: `/ssh_keys/${id}` }))
    },
    // Firewalls and networks are part of the order.
    finish: async () => {},
  }
}

/** Body of "Create a Server". */
function orderBody({ name, mark, keyId, userData }: ServerOrder, settings: Settings): Fields {
  const location = optionalTextOf(settings, 'hetzner-server-location')
  const group = optionalTextOf(settings, 'hetzner-placement-group')
  const labels = listOf(settings, 'hetzner-server-label').map(label => label.split('='))
  const firewalls = listOf(settings, 'hetzner-firewalls').map(id => ({ firewall: Number(id) }))
  const networks = listOf(settings, 'hetzner-networks').map(Number)
  return {
    name,
    image: textOf(settings, 'hetzner-image'),
    server_type: textOf(settings, 'hetzner-server-type'),
    ssh_keys: [Number(keyId)],
    labels: { ...Object.fromEntries(labels), [MARK]: mark },
    start_after_create: true,
    ...(location === undefined ? {} : { location }),
    ...(group === undefined ? {} : { placement_group: Number(group) }),
    ...(firewalls.length === 0 ? {} : { firewalls }),
    ...(networks.length === 0 ? {} : { networks }),
    ...(userData === undefined ? {} : { user_data: userData }),
    ...(settings['hetzner-disable-public-ipv6'] === true
      ? { public_net: { enable_ipv4: true, enable_ipv6: false } }
      : {}),
  }
}

async function checkNames(rest: RestClient, settings: Settings): Promise<void> {
  const names = [
    ['hetzner-server-type', 'server_types'],
    ['hetzner-image', 'images'],
    ['hetzner-server-location', 'locations'],
  ] as const
  for (const [flag, list] of names) {
    const name = optionalTextOf(settings, flag)
    if (name === undefined || (await allRows(rest, list, { name })).length > 0) continue
    throw badFlag(flag, name, `${TITLE} has none of that name`)
  }
}

async function allRows(rest: RestClient, list: string, query: Readonly<Record<string, string>>): Promise<Fields[]> {
  const rows: Fields[] = []
  for (let page: unknown = 1; typeof page === 'number'; ) {
    const asked = { ...query, page: String(page), per_page: PAGE_ROWS }
    const answer = await rest.ask({ method: 'GET', path: `/${list}`, query: asked })
    rows.push(...rowsOf(answer, list))
    page = fieldsOf(answer, 'meta', 'pagination')['next_page']
  }
  return rows
}

function serverOf(fields: Fields): CloudServer {
  const publicAddress = fieldsOf(fields, 'public_net', 'ipv4')['ip']
  const [network] = rowsOf(fields, 'private_net')
  const address = typeof publicAddress === 'string' ? publicAddress : network?.['ip']
  const state = STATES[textIn(fields, 'status')] ?? 'Error'
  return { id: idOf(fields), state, ...(typeof address === 'string' ? { address } : {}) }
}

function explain(status: number, body: unknown): ReturnType<typeof cloudError> {
  const error = fieldsOf(body, 'error')
  return cloudError(TITLE, WORDS, { status, code: textIn(error, 'code'), message: textIn(error, 'message') })
}
