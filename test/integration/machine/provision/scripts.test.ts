import { afterAll, beforeAll, expect, it } from 'vitest'
import { PUT_DOCKER_CONFIG } from '../../../../src/machine/provision/scripts/docker-scripts.ts'
import { CLOSE_PORTS, OPEN_PORTS } from '../../../../src/machine/provision/scripts/network-scripts.ts'
import { RUN_COMMAND } from '../../../../src/machine/provision/scripts/package-scripts.ts'
import { SshHosts } from '../../../support/ssh-hosts.ts'

let hosts: SshHosts

beforeAll(async () => {
  hosts = await SshHosts.open('sh-prs', '10.231.7')
  await hosts.start('s1', '10.231.7.11')
})

afterAll(() => hosts.close())

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`
const script = (text: string, ...words: readonly string[]): string =>
  ['sh', '-c', quoted(text), 'shoal', ...words.map(quoted)].join(' ')

it("keeps the mode of Docker's configuration, and a link to it", async () => {
  await hosts.run('s1', 'mkdir -p /etc/docker; echo {} > /srv/d.json; chmod 600 /srv/d.json')
  await hosts.run('s1', 'ln -sf /srv/d.json /etc/docker/daemon.json')
  const line = `kept /etc/docker/daemon.json ${Buffer.from('{"labels":[]}').toString('base64')}`
  await hosts.run('s1', `echo '${line}' | ${script(PUT_DOCKER_CONFIG, 'run1')}`)
  const seen = await hosts.run('s1', 'stat -c %a /srv/d.json; readlink /etc/docker/daemon.json; cat /srv/d.json')
  expect(seen).toBe('600\n/srv/d.json\n{"labels":[]}')
})

it('closes only the ports that it opened', async () => {
  const ufw = String.raw`#!/bin/sh
case $1 in
  show) cat /srv/rules ;;
  allow) echo "ufw allow $2" >> /srv/rules ;;
  delete) grep -vx "ufw allow $3" /srv/rules > /srv/rules.new; mv /srv/rules.new /srv/rules ;;
esac
`
  const rules = (): Promise<string> => hosts.run('s1', 'cat /srv/rules')
  await hosts.run('s1', `printf %s ${quoted(ufw)} > /usr/local/sbin/ufw; chmod 755 /usr/local/sbin/ufw`)
  await hosts.run('s1', "echo 'ufw allow 2376/tcp' > /srv/rules")
  await hosts.run('s1', script(OPEN_PORTS, 'run1', 'ufw', '2376/tcp', '4789/udp'))
  await hosts.run('s1', script(OPEN_PORTS, 'run2', 'ufw', '2376/tcp', '4789/udp', '3376/tcp'))
  expect(await rules()).toBe('ufw allow 2376/tcp\nufw allow 4789/udp\nufw allow 3376/tcp\n')
  await hosts.run('s1', script(CLOSE_PORTS, 'run2'))
  expect(await rules()).toBe('ufw allow 2376/tcp\nufw allow 4789/udp\n')
  await hosts.run('s1', script(CLOSE_PORTS, ''))
  expect(await rules()).toBe('ufw allow 2376/tcp\n')
})

it('removes what a killed run left to keep services from starting, and leaves what is not its own', async () => {
  const policy = '/usr/sbin/policy-rc.d'
  const mark = '# put here by shoal while it installs'
  await hosts.run('s1', `printf '#!/bin/sh\n%s\nexit 101\n' '${mark}' > ${policy}`)
  await hosts.run('s1', script(RUN_COMMAND, 'true'))
  expect(await hosts.run('s1', `ls ${policy} 2>/dev/null || true`)).toBe('')
  await hosts.run('s1', `echo theirs > ${policy}; ${script(RUN_COMMAND, 'true')}`)
  expect(await hosts.run('s1', `cat ${policy}`)).toBe('theirs\n')
})
