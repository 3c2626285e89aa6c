import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import { seededRandom } from '../../../src/core/random.ts'
import { qemuWords } from '../../../src/machine/drivers/qemu/command-line.ts'
import { packCpio } from '../../../src/machine/drivers/qemu/image/cpio.ts'
import { modulesInOrder } from '../../../src/machine/drivers/qemu/image/kernel-modules.ts'
import { imageId, MEMBER } from '../../../src/machine/drivers/qemu/image/recipe.ts'
import type { Qmp } from '../../../src/machine/drivers/qemu/qmp.ts'
import { packSeed } from '../../../src/machine/drivers/qemu/seed.ts'
import { readSnapshots, whileStopped } from '../../../src/machine/drivers/qemu/snapshots.ts'
import { macOf, newVmId, tapOf } from '../../../src/machine/drivers/qemu/vm-made.ts'
import { makeSshKey, md5Fingerprint, publicKeyFingerprint } from '../../../src/machine/drivers/ssh-key.ts'
import { driverOf, type Machine, PLAIN_ENGINE, readSettings } from '../../../src/machine/index.ts'

const qemu = driverOf('qemu')
const BRIDGE = { 'qemu-network': 'bridge', 'qemu-bridge': 'br0', 'qemu-address': '10.0.0.5/24' }

function settingsOf(flags: Readonly<Record<string, string>>): Machine['settings'] {
  return readSettings(qemu.flags, {
    text: flag => flags[flag],
    list: flag => flags[flag]?.split(',') ?? [],
    isSet: flag => flag in flags,
    env: () => undefined,
  })
}

const machineWith = (made: Machine['made'], flags: Readonly<Record<string, string>> = {}): Machine => ({
  name: 'n1',
  driver: 'qemu',
  settings: settingsOf(flags),
  engine: PLAIN_ENGINE,
  certificateNames: [],
  createdAtMs: 0,
  ...(made === undefined ? {} : { made }),
})

describe('settings of virtual machines', () => {
  it.each([
    ['qemu-cpus', '0', '1 to 256'],
    ['qemu-memory', '64', 'at least 256'],
    ['qemu-accel', 'hvf', 'auto, kvm or tcg'],
    ['qemu-network', 'nat', 'user or bridge'],
    ['qemu-ssh-user', 'a b', 'a name of a Linux user'],
    ['qemu-ssh-user', '$(reboot)', 'a name of a Linux user'],
    ['qemu-suite', '../etc', 'a suite'],
    ['qemu-package', 'runc,--help', "a package's name"],
    ['qemu-mirror', 'file:///etc', 'the URL of a mirror'],
    ['qemu-dns', 'here', 'an address'],
    ['qemu-forward', '80', 'two ports'],
    ['qemu-forward', '80:70000', 'two ports'],
    ['qemu-bridge', 'br0', 'is for --qemu-network bridge'],
  ])('refuse --%s %s', (flag, value, words) => {
    expect(() => qemu.check(settingsOf({ [flag]: value }))).toThrow(words)
  })

  it.each([
    ['no bridge', { 'qemu-network': 'bridge' }, '--qemu-bridge is required'],
    ['a bridge that is a flag', { ...BRIDGE, 'qemu-bridge': '-br' }, 'expected a bridge'],
    ['an address without its network', { ...BRIDGE, 'qemu-address': '10.0.0.5' }, 'size of its network'],
    ['a network too small', { ...BRIDGE, 'qemu-address': '10.0.0.5/33' }, 'size of its network'],
    ['forwarded ports', { ...BRIDGE, 'qemu-forward': '80:80' }, 'is for the user network'],
  ])('refuse a bridged machine with %s', (_what, flags, words) => {
    expect(() => qemu.check(settingsOf(flags))).toThrow(words)
  })

  it('take what is right', () => {
    expect(() => qemu.check(settingsOf({ 'qemu-forward': '8080:80,3376:3376', 'qemu-package': 'curl' }))).not.toThrow()
    expect(() => qemu.check(settingsOf({ ...BRIDGE, 'qemu-gateway': '10.0.0.1' }))).not.toThrow()
  })
})

describe('the words that start QEMU', () => {
  const facts = { name: 'n1', id: 'the-id', kernel: '/k', mac: '52:54:00:01:02:03', tap: 'vm-1' }
  const wordsOf = (flags: Readonly<Record<string, string>>): string => {
    const forwards = [{ host: 40_000, guest: 22 }]
    return qemuWords(settingsOf(flags), { ...facts, forwards }).join(' ')
  }

  it('ask for kvm first where either will do, and for what is wanted else', () => {
    expect(wordsOf({})).toContain('-accel kvm -accel tcg -cpu max')
    expect(wordsOf({ 'qemu-accel': 'tcg' })).not.toContain('kvm')
    expect(wordsOf({ 'qemu-accel': 'kvm' })).not.toContain('tcg')
  })

  it('lead ports of loopback only into the machine', () => {
    expect(wordsOf({})).toContain('user,id=net,hostfwd=tcp:127.0.0.1:40000-:22')
    expect(wordsOf(BRIDGE)).toContain('tap,id=net,ifname=vm-1,script=no,downscript=no')
  })

  it('give it what it may have, and a sandbox', () => {
    expect(wordsOf({ 'qemu-cpus': '2', 'qemu-memory': '512' })).toContain('-smp 2 -m 512M')
    expect(wordsOf({})).toMatch(/-sandbox on,.*spawn=deny/)
  })
})

describe('where a virtual machine is', () => {
  const known = { id: 'x', image: 'y', 'host-key': 'SHA256:z' }

  it('is a port of this host, or an address of its own', () => {
    const user = machineWith({ ...known, 'ssh-port': 40_001, 'engine-port': 40_002 }, { 'qemu-ssh-user': 'ann' })
    expect(qemu.whereabouts(user)).toEqual({
      address: '127.0.0.1',
      url: 'tcp://127.0.0.1:40002',
      ssh: { host: '127.0.0.1', port: 40_001, user: 'ann', keyPath: 'id_ed25519', hostKey: 'SHA256:z' },
    })
    expect(qemu.whereabouts(machineWith(known, BRIDGE))).toMatchObject({
      url: 'tcp://10.0.0.5:2376',
      ssh: { port: 22 },
    })
  })

  it.each([
    ['was not begun', undefined],
    ['was begun only', { id: 'x' }],
    ['never ran', { ...known, 'ssh-port': 0, 'engine-port': 0 }],
  ])('is not known of one that %s', (_what, made) => {
    expect(() => qemu.whereabouts(machineWith(made))).toThrow('was not made to its end')
  })
})

describe('names of a virtual machine', () => {
  it('are a UUID, an address of the link layer and an interface that the kernel takes', () => {
    fc.assert(
      fc.property(fc.integer(), seed => {
        const id = newVmId(seededRandom(seed))
        expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
        expect(macOf(id)).toMatch(/^52:54:00(:[0-9a-f]{2}){3}$/)
        expect(tapOf(id).length).toBeLessThanOrEqual(15)
      }),
    )
  })
})

describe('keys that are made', () => {
  it('are what OpenSSH reads, with the fingerprints that it shows', () => {
    const directory = mkdtempSync(join(tmpdir(), 'shoal-key-'))
    try {
      for (let seed = 0; seed < 8; seed++) {
        const comment = 'c'.repeat(seed)
        const pair = makeSshKey(seededRandom(seed), comment)
        const path = join(directory, String(seed))
        writeFileSync(path, pair.privateKey, { mode: 0o600 })
        const keygen = (...args: string[]): string =>
          execFileSync('ssh-keygen', [...args, '-f', path], { encoding: 'utf8' })
        expect(keygen('-y').trim()).toBe(pair.publicKey.trim())
        expect(keygen('-l')).toContain(` ${publicKeyFingerprint(pair)} `)
        expect(keygen('-l', '-E', 'md5')).toContain(` MD5:${md5Fingerprint(pair)} `)
      }
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})

describe('archives for the kernel', () => {
  const unpack = (archive: Buffer): string[] => {
    const names: string[] = []
    for (let at = 0; at < archive.length; ) {
      const field = (index: number): number =>
        Number.parseInt(archive.toString('latin1', at + 6 + index * 8, at + 14 + index * 8), 16)
      expect(archive.toString('latin1', at, at + 6)).toBe('070701')
      const [size, nameBytes] = [field(6), field(11)]
      const name = archive.toString('utf8', at + 110, at + 110 + nameBytes - 1)
      const begin = (at + 110 + nameBytes + 3) & ~3
      names.push(`${name} ${field(1).toString(8)} ${archive.toString('utf8', begin, begin + size)}`)
      at = (begin + size + 3) & ~3
    }
    return names
  }

  it('hold folders and files, whatever their lengths', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.stringMatching(/^[a-z]{1,9}$/), fc.stringMatching(/^[a-z]{0,9}$/))), files => {
        const entries = files.map(([path, text]) => ({ path, mode: 0o644, content: Buffer.from(text) }))
        const expected = files.map(([path, text]) => `${path} 100644 ${text}`)
        expect(unpack(packCpio(entries))).toEqual([...expected, 'TRAILER!!! 0 '])
      }),
    )
  })

  it('bring a machine its name, its network and its keys, which nobody else may read', () => {
    const pair = makeSshKey(seededRandom(1), 'n1')
    const seed = {
      hostName: 'n1',
      address: '10.0.0.5/24',
      nameServers: [],
      user: 'ann',
      authorizedKeys: ['ssh-ed25519 AAAA ann'],
      hostKey: pair,
    }
    const names = unpack(packSeed(seed))
    expect(names).toContain('seed/network 100644 10.0.0.5/24 - ann\n')
    expect(names).toContain('seed/root/etc/hostname 100644 n1\n')
    expect(names).toContain('seed/root/home/ann/.ssh/authorized_keys 100600 ssh-ed25519 AAAA ann\n')
    expect(names).toContain('seed/root/home/ann/.ssh 40700 ')
    expect(names).toContain(`seed/root/etc/ssh/ssh_host_ed25519_key 100600 ${pair.privateKey}`)
    // A folder stands before what is in it: the kernel makes none by itself.
    const paths = names.map(line => line.split(' ')[0] ?? '')
    for (const path of paths.filter(each => each.includes('/'))) {
      expect(paths.indexOf(path.slice(0, path.lastIndexOf('/')))).toBeLessThan(paths.indexOf(path))
      expect(paths).toContain(path.slice(0, path.lastIndexOf('/')))
    }
  })
})

describe('the image', () => {
  const dependencies = 'k/net.ko: k/fail.ko k/virtio.ko\nk/fail.ko:\nk/virtio-blk.ko: k/virtio.ko\nk/virtio.ko:\n'

  it('loads modules after those that they need, and none twice', () => {
    const index = { dependencies, builtin: 'k/ext4.ko\n' }
    expect(modulesInOrder(['net', 'virtio_blk', 'ext4'], index)).toEqual([
      'k/virtio.ko',
      'k/fail.ko',
      'k/net.ko',
      'k/virtio-blk.ko',
    ])
    expect(() => modulesInOrder(['nothing'], index)).toThrow('no module nothing')
  })

  it('has a name that follows from what it is made of', () => {
    const recipe = { contents: MEMBER, suite: 'bookworm', mirror: '', packages: ['curl'] }
    expect(imageId(recipe)).toBe(imageId({ ...recipe }))
    expect(imageId(recipe)).not.toBe(imageId({ ...recipe, packages: [] }))
    expect(imageId(recipe)).not.toBe(imageId({ ...recipe, contents: { ...MEMBER, leftOut: [] } }))
  })
})

describe('snapshots', () => {
  it('are read of what qemu-img says', () => {
    const row = { id: '1', name: 'first', 'date-sec': 1_700_000_000, 'vm-state-size': 42 }
    expect(readSnapshots({ snapshots: [row] })).toEqual([
      { name: 'first', createdAtMs: 1_700_000_000_000, memoryBytes: 42 },
    ])
    expect(readSnapshots({ format: 'qcow2' })).toEqual([])
  })

  describe('that are restored', () => {
    let folder: string
    let told: string[]
    let close: () => Promise<void>
    /** What QEMU is told, in one conversation after the other. */
    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'shoal-qmp-'))
      told = []
      const server = createServer(socket => {
        socket.on('error', () => {})
        socket.write('{"QMP": {}}\n')
        createInterface({ input: socket }).on('line', line => {
          const { execute } = JSON.parse(line) as { execute: string }
          if (execute !== 'qmp_capabilities') told.push(execute)
          // Loading takes longer than anybody waits.
          if (execute !== 'snapshot-load') socket.write('{"return": {}}\n')
        })
      })
      await new Promise<void>(resolve => server.listen(join(folder, 'work.sock'), resolve))
      close = () => new Promise(resolve => server.close(() => resolve()))
    })
    afterEach(async () => {
      await close()
      rmSync(folder, { recursive: true })
    })

    const settle = async (qmp: Qmp): Promise<void> => void (await qmp.execute('query-jobs'))

    it('let a machine go on that could not be brought back', async () => {
      const work = () => Promise.reject(new Error('no space'))
      const { signal } = new AbortController()
      await expect(whileStopped(folder, { work, settle }, { clock: new ManualClock(), signal })).rejects.toThrow(
        'no space',
      )
      expect(told).toEqual(['stop', 'query-jobs', 'cont'])
    })

    it('let a machine go on whose restoring was broken off, once QEMU is done with it', async () => {
      const interrupt = new AbortController()
      const work = async (qmp: Qmp): Promise<void> => {
        const loading = qmp.execute('snapshot-load')
        interrupt.abort(new Error('interrupted'))
        await loading
      }
      const around = { clock: new ManualClock(), signal: interrupt.signal }
      await expect(whileStopped(folder, { work, settle }, around)).rejects.toThrow('interrupted')
      expect(told.filter(each => each !== 'snapshot-load')).toEqual(['stop', 'query-jobs', 'cont'])
    })
  })
})
