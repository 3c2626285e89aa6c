import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type MachineCli, machineCli } from '../../support/machine-cli.ts'
import { SshHosts } from '../../support/ssh-hosts.ts'
import { addUsers } from './provision/lab.ts'

// What a person sees of hosts that cannot be had: the sentence, and the exit code.
const ADDRESS = '10.236.5.11'

let hosts: SshHosts
let machine: MachineCli

beforeAll(async () => {
  hosts = await SshHosts.open('sh-ref', '10.236.5')
  machine = machineCli(join(hosts.directory, 'store'))
  await hosts.start('h1', ADDRESS)
  await addUsers(hosts, 'h1')
})

afterAll(() => hosts.close())

interface Attempt {
  readonly host?: string
  readonly keyPath?: string
  readonly flags?: readonly string[]
  readonly input?: string
  readonly hear?: (said: string) => void
}

function create({ host = ADDRESS, keyPath = hosts.keyPath, flags = [], input = '', hear }: Attempt = {}) {
  const access = ['--host', host, '--generic-ssh-key', keyPath]
  return machine(['create', ...access, '--accept-new', ...flags, 'h1'], input, hear)
}

/** `12 sentence`. Nothing of the machine is left. */
async function refused(attempt: Attempt = {}): Promise<string> {
  const { code, stderr } = await create(attempt)
  await machine(['rm', '-f', 'h1'])
  return `${code} ${stderr}`
}

/** Has something be so on the host for as long as it is worked with. */
async function whileOn<T>(before: string, after: string, work: () => Promise<T>): Promise<T> {
  await hosts.run('h1', before)
  try {
    return await work()
  } finally {
    await hosts.run('h1', after)
  }
}

const sshdLog = (): string => readFileSync(hosts.hosts.logFile('h1', 'sshd'), 'utf8')

describe('machine create says why, how to mend it, and ends with a code of its own', () => {
  it('for a key that lets nobody in, after one login', async () => {
    const before = sshdLog().length
    expect(await refused({ keyPath: hosts.strangeKeyPath })).toMatch(/^12 [^]*strange[^]*authorized_keys/)
    expect(
      sshdLog()
        .slice(before)
        .match(/Failed publickey/g),
    ).toHaveLength(1)
  })

  it('for another host key, without a login', async () => {
    const before = sshdLog().length
    const flags = ['--host-key', `SHA256:${'A'.repeat(43)}`]
    expect(await refused({ flags })).toMatch(/^11 [^]*host key[^]*--host-key/)
    expect(sshdLog().slice(before)).not.toMatch(/Accepted|Failed publickey/)
  })

  it('for a closed port', async () => {
    expect(await refused({ host: `${ADDRESS}:1` })).toMatch(/^10 [^]*is sshd running/)
  })

  it('for a user whom sudo does not know, and one of whom it wants a password', async () => {
    expect(await refused({ host: `plain@${ADDRESS}` })).toMatch(/^13 [^]*plain cannot become root[^]*sudoers\.d/)
    expect(await refused({ host: `asked@${ADDRESS}` })).toMatch(/^13 [^]*asks for a password[^]*--ask-sudo-pass/)
    const wrong = { host: `asked@${ADDRESS}`, flags: ['--ask-sudo-pass'], input: 'wrong\n' }
    expect(await refused(wrong)).toMatch(/^13 [^]*did not take the password/)
  })

  it('for a full disk', async () => {
    const [before, after] = ['mkdir -p /opt/shoal; mount -t tmpfs -o size=1m tmpfs /opt', 'umount /opt']
    expect(await whileOn(before, after, refused)).toMatch(/^3 [^]*free below \/opt[^]*make room/)
  })

  it('for a clock that is ten minutes off', async () => {
    const script = '#!/bin/sh\\n[ "$1" = +%%s ] && exec /bin/date -d "10 minutes" +%%s\\nexec /bin/date "$@"\\n'
    const date = '/usr/local/bin/date'
    const said = await whileOn(`printf '${script}' > ${date}; chmod 755 ${date}`, `rm ${date}`, refused)
    expect(said).toMatch(/^3 [^]*Its clock is 600 s ahead[^]*timedatectl/)
  })

  it('for a host that is in another cluster', async () => {
    const owner = '{"machine":"h1","cluster":"etcd://10.9.9.9:2379"}'
    const before = `mkdir -p /etc/shoal; echo '${owner}' > /etc/shoal/machine.json`
    const said = await whileOn(before, 'rm -r /etc/shoal', () => refused({ flags: ['--swarm', '--swarm-master'] }))
    expect(said).toMatch(/^3 [^]*another cluster \(etcd:\/\/10\.9\.9\.9:2379\)[^]*swarm leave/)
  })

  it('for packages that somebody else installs, for as long as that lasts', async () => {
    // A file system of its own: of others that are laid over one another the kernel's list of locks says nothing.
    const holder = "sh -c 'echo $$ > /run/holder; exec sleep 1000'"
    const before = [
      'mount -t tmpfs tmpfs /var/lib/dpkg',
      'mv /usr/bin/conmon /usr/bin/conmon.away',
      `setsid flock /var/lib/dpkg/lock-frontend ${holder} > /dev/null 2>&1 &`,
      'until [ -s /run/holder ]; do sleep 0.1; done',
    ]
    const after = 'mv /usr/bin/conmon.away /usr/bin/conmon; kill $(cat /run/holder); umount -l /var/lib/dpkg'
    await hosts.run('h1', before.join('\n'))
    let released: Promise<string> | undefined
    const hear = (said: string): void => {
      if (/process \d+ holds \/var\/lib\/dpkg\/lock-frontend/.test(said)) released ??= hosts.run('h1', after)
    }
    const { code, stderr } = await create({ flags: ['--until', 'engine'], hear })
    await released
    expect(code, stderr).toBe(0)
    expect(stderr).toContain('Packages cannot be installed now: process ')
  })
})
