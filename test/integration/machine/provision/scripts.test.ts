import { afterAll, beforeAll, expect, it } from 'vitest'
import { REMOVE_NETWORKS } from '../../../../src/machine/provision/scripts/clean-scripts.ts'
import { PUT_DOCKER_CONFIG } from '../../../../src/machine/provision/scripts/docker-scripts.ts'
import { hostPrograms } from '../../../../src/machine/provision/scripts/host-programs.ts'
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

it('takes only what Docker says that it would start with, where it can say so', async () => {
  const dockerd = String.raw`#!/bin/sh
case $* in
  --help) echo '      --validate    Validate daemon configuration and exit' ;;
  '--validate --config-file '*) grep -q good "$3" || { echo 'unable to configure' >&2; exit 1; } ;;
esac
`
  await hosts.run('s1', `printf %s ${quoted(dockerd)} > /usr/local/sbin/dockerd; chmod 755 /usr/local/sbin/dockerd`)
  const put = (text: string): Promise<string> => {
    const line = `kept /etc/docker/daemon.json ${Buffer.from(text).toString('base64')}`
    return hosts.run(
      's1',
      `echo '${line}' | ${script(PUT_DOCKER_CONFIG, 'run2')}; cat /etc/docker/daemon.json; ls /srv`,
    )
  }
  expect(await put('{"labels":["good"]}')).toContain('{"labels":["good"]}d.json')
  await expect(
    hosts.run('s1', `echo 'kept /etc/docker/daemon.json e30=' | ${script(PUT_DOCKER_CONFIG, 'run3')}`),
  ).rejects.toThrow('Docker would not start with what is to be in /etc/docker/daemon.json')
  expect(await hosts.run('s1', 'cat /etc/docker/daemon.json; ls /srv')).toBe('{"labels":["good"]}d.json\n')
})

it('closes only the ports that it opened', async () => {
  const ufw = String.raw`#!/bin/sh
case $1 in
  show) cat /srv/rules ;;
  allow) echo "ufw allow $2" >> /srv/rules ;;
  delete) grep -vx "ufw allow $3" /srv/rules > /srv/rules.new; mv /srv/rules.new /srv/rules ;;
  route)
    shift
    if [ "$1" = allow ]; then echo "ufw route $1 $2 $3 $4" >> /srv/rules; exit; fi
    shift
    grep -vx "ufw route $*" /srv/rules > /srv/rules.new; mv /srv/rules.new /srv/rules
    ;;
esac
`
  const rules = (): Promise<string> => hosts.run('s1', 'cat /srv/rules')
  await hosts.run('s1', `printf %s ${quoted(ufw)} > /usr/local/sbin/ufw; chmod 755 /usr/local/sbin/ufw`)
  await hosts.run('s1', "echo 'ufw allow 2376/tcp' > /srv/rules")
  await hosts.run('s1', script(OPEN_PORTS, 'run1', 'ufw', '10.0.0.1', '2376/tcp', '4789/udp'))
  await hosts.run('s1', script(OPEN_PORTS, 'run2', 'ufw', '10.0.0.1', '2376/tcp', '4789/udp', '3376/tcp', 'shb+'))
  expect(await rules()).toBe(
    'ufw allow 2376/tcp\nufw allow 4789/udp\nufw allow 3376/tcp\nufw route allow in on shb+\nufw route allow out on shb+\n',
  )
  await hosts.run('s1', script(CLOSE_PORTS, 'run2'))
  expect(await rules()).toBe('ufw allow 2376/tcp\nufw allow 4789/udp\n')
  await hosts.run('s1', script(CLOSE_PORTS, ''))
  expect(await rules()).toBe('ufw allow 2376/tcp\n')
})

it('opens ports where the host is reached, and closes what it opened where firewalld does not run any more', async () => {
  const firewalld = String.raw`#!/bin/sh
echo "$(basename "$0") $*" >> /srv/asked
case $* in
  *--state) [ -e /srv/running ] ;;
  *--get-zone-of-interface=lo) echo home ;;
  *--zone=home\ --list-ports) echo 22/tcp 4789/udp ;;
esac
`
  const changes = async (): Promise<string> =>
    hosts.run('s1', String.raw`grep -- '--\(add\|remove\)' /srv/asked | sort; : > /srv/asked`)
  for (const name of ['firewall-cmd', 'firewall-offline-cmd']) {
    await hosts.run('s1', `printf %s ${quoted(firewalld)} > /usr/local/sbin/${name}; chmod 755 /usr/local/sbin/${name}`)
  }
  const words = ['run1', 'firewalld', '127.0.0.1', '2376/tcp', '4789/udp', 'shb+']
  await hosts.run('s1', `: > /srv/running; ${script(OPEN_PORTS, ...words)}`)
  expect(await changes()).toBe(`firewall-cmd -q --permanent --zone=home --add-port=2376/tcp --add-port=4789/udp
firewall-cmd -q --permanent --zone=trusted --add-interface=shb+
firewall-cmd -q --zone=home --add-port=2376/tcp --add-port=4789/udp
firewall-cmd -q --zone=trusted --add-interface=shb+
`)
  await hosts.run('s1', `rm /srv/running; ${script(CLOSE_PORTS, '')}`)
  expect(await changes()).toBe(`firewall-offline-cmd -q --zone=home --remove-port=2376/tcp
firewall-offline-cmd -q --zone=trusted --remove-interface=shb+
`)
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

it("removes what an engine's networks are made of, and nothing of another engine", async () => {
  const made = [
    ['shoal-abcde', 'shoal engine of /var/lib/shoal'],
    ['shoal-12345', 'shoal engine of /var/lib/shoal2'],
    ['lan', 'shoal engine of /var/lib/shoal'],
  ].map(
    ([name, alias]) =>
      `ip link add ${name} type bridge; ip link set ${name} alias '${alias}'; nft add table ip ${name}`,
  )
  await hosts.run('s1', made.join('\n'))
  await hosts.run('s1', 'mkdir -p /run/shoal/network/netns; : > /run/shoal/network/netns/c1')
  await hosts.run('s1', `set -eu\n${REMOVE_NETWORKS}`)
  const left = await hosts.run('s1', 'ip -br link show type bridge; nft list tables; ls /run/shoal/network/netns')
  expect(
    left
      .replaceAll(/ .*(?=\n)/g, '')
      .split('\n')
      .filter(Boolean),
  ).toEqual(['shoal-12345', 'lan', 'table', 'table'])
  expect(left).not.toContain('shoal-abcde')
})

it('ends containers when the host goes down, and only then', async () => {
  const program = hostPrograms(['agent'], 'systemd').find(({ path }) => path.endsWith('end-containers'))?.content ?? ''
  const runc = String.raw`#!/bin/sh
echo "$*" >> /srv/runc
[ "$4" != dead ] && kill "-$5" "$(cat "$2/$4/state.json" "$2/$4/status" 2> /dev/null | sed 's/[^0-9]//g')"
`
  const fakes = { runc, crun: runc, systemctl: '#!/bin/sh\ncat /srv/state\n', 'end-containers': program }
  for (const [name, text] of Object.entries(fakes)) {
    await hosts.run('s1', `printf %s ${quoted(text)} > /usr/local/sbin/${name}; chmod 755 /usr/local/sbin/${name}`)
  }
  const end = async (state: string): Promise<string> =>
    hosts.run('s1', `echo ${state} > /srv/state; : > /srv/runc; end-containers; cat /srv/runc`)
  await hosts.run(
    's1',
    `for name in c1 dead; do
      sleep 1000 < /dev/null > /dev/null 2>&1 &
      mkdir -p /run/shoal/runtime/$name; echo "{\\"init_process_pid\\":$!,}" > /run/shoal/runtime/$name/state.json
    done
    sleep 1000 < /dev/null > /dev/null 2>&1 &
    mkdir -p /run/shoal/runtime/c2; printf '{\n    "pid": %s,\n}\n' "$!" > /run/shoal/runtime/c2/status`,
  )
  expect(await end('running')).toBe('')
  expect(await end('stopping')).toBe(
    ['c1', 'c2', 'dead'].map(name => `--root /run/shoal/runtime kill ${name} TERM\n`).join(''),
  )
  expect(hosts.pids('s1', /sleep 1000/)).toHaveLength(1)
})
