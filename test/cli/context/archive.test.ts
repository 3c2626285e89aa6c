import { buffer } from 'node:stream/consumers'
import { crc32, deflateRawSync } from 'node:zlib'
import { pack } from 'tar-stream'
import { describe, expect, it } from 'vitest'
import { packContext, unpackContext } from '../../../src/cli/commands/context/archive.ts'

const META = JSON.stringify({
  Name: 'lab',
  Metadata: { Description: 'd' },
  Endpoints: { docker: { Host: 'tcp://h:1' } },
})
const RECORD = { name: 'lab', metadata: { Description: 'd' }, endpoints: { docker: { Host: 'tcp://h:1' } } }

type Files = Readonly<Record<string, string | Buffer>>

async function tar(
  files: Files,
  special: readonly { readonly name: string; readonly linkname: string }[] = [],
): Promise<Buffer> {
  const archive = pack()
  for (const [name, content] of Object.entries(files)) archive.entry({ name }, content)
  for (const link of special) archive.entry({ ...link, type: 'symlink' })
  archive.finalize()
  return buffer(archive)
}

interface ZipOptions {
  /** Where the archive says its list is, if it lies. */
  readonly listAt?: number
  /** What the archive says a file comes to, if it lies. */
  readonly saysBytes?: number
  readonly flags?: number
  readonly method?: number
}

function zip(files: Files, { saysBytes, listAt, flags = 0, method = 8 }: ZipOptions = {}): Buffer {
  const locals: Buffer[] = []
  const centrals: Buffer[] = []
  let offset = 0
  for (const [name, text] of Object.entries(files)) {
    const content = Buffer.from(text)
    const packed = deflateRawSync(content)
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(flags, 2)
    common.writeUInt16LE(method, 4)
    common.writeUInt32LE(crc32(content), 10)
    common.writeUInt32LE(packed.length, 14)
    common.writeUInt32LE(saysBytes ?? content.length, 18)
    common.writeUInt16LE(Buffer.byteLength(name), 22)
    const local = Buffer.concat([Buffer.from('PK\u0003\u0004'), common, Buffer.from(name), packed])
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(offset, 10)
    centrals.push(Buffer.concat([Buffer.from('PK\u0001\u0002'), Buffer.from([20, 0]), common, tail, Buffer.from(name)]))
    locals.push(local)
    offset += local.length
  }
  const end = Buffer.alloc(22)
  end.write('PK\u0005\u0006', 'latin1')
  end.writeUInt16LE(centrals.length, 10)
  end.writeUInt32LE(listAt ?? offset, 16)
  return Buffer.concat([...locals, ...centrals, end])
}

const GOOD: Files = { 'meta.json': META, 'tls/docker/ca.pem': 'CA' }
const UNPACKED = { record: RECORD, tls: { docker: { 'ca.pem': Buffer.from('CA') } } }

describe('an archive of a context', () => {
  it('is read as it was written, byte for byte the same each time', async () => {
    const packed = await packContext(UNPACKED)
    expect(await unpackContext(packed)).toEqual(UNPACKED)
    expect(await packContext(UNPACKED)).toEqual(packed)
  })

  it('may be a tar, one without an end as docker writes it, or a zip', async () => {
    const whole = await tar(GOOD)
    const torn = whole.subarray(0, whole.length - 1024 - 500)
    for (const archive of [whole, torn, zip(GOOD)]) expect(await unpackContext(archive)).toEqual(UNPACKED)
  })

  it.each([
    ['../evil'],
    ['tls/../../evil'],
    ['tls/docker/../ca.pem'],
    ['/etc/passwd'],
    ['tls/ca.pem'],
    ['tls/docker/a/b'],
    ['tls/__proto__/ca.pem'],
    ['tls/docker/__proto__'],
    ['tls/.new-x/ca.pem'],
    ['meta.json/x'],
  ])('has no file %s', async path => {
    for (const archive of [await tar({ ...GOOD, [path]: 'x' }), zip({ ...GOOD, [path]: 'x' })]) {
      await expect(unpackContext(archive)).rejects.toThrow(/unexpected context file/)
    }
  })

  it('has no links', async () => {
    const archive = await tar(GOOD, [{ name: 'tls/docker/key.pem', linkname: '/etc/shadow' }])
    await expect(unpackContext(archive)).rejects.toThrow(/is a symlink/)
  })

  it.each([
    ['nothing', Buffer.alloc(0), /nothing in it/],
    ['noise', Buffer.alloc(2000, 'x'), /neither a tar nor a zip/],
    ['the beginning of a zip', Buffer.concat([Buffer.from('PK\u0003\u0004'), Buffer.alloc(100)]), /no end/],
    ['a zip whose list is elsewhere', zip(GOOD, { listAt: 1 }), /zip/],
    ['a zip that is damaged', zip(GOOD, { saysBytes: 1 }), /zip/],
    ['a zip that says it is huge', zip(GOOD, { saysBytes: 0xffffffff }), /too large/],
    ['an encrypted zip', zip(GOOD, { flags: 1 }), /encrypted/],
    ['a zip packed in another way', zip(GOOD, { method: 12 }), /unknown way/],
    [
      'a zip of zeros without end',
      zip({ 'meta.json': META, 'tls/docker/ca.pem': Buffer.alloc(30 << 20) }),
      /too large/,
    ],
    ['a zip of zeros that says little', zip({ 'tls/docker/ca.pem': Buffer.alloc(30 << 20) }, { saysBytes: 10 }), /zip/],
    ['no meta.json', zip({ 'tls/docker/ca.pem': 'CA' }), /no meta\.json/],
    ['a meta.json that is none', zip({ 'meta.json': '[]' }), /not an object/],
    ['endpoints that are none', zip({ 'meta.json': '{"Endpoints":{"docker":3}}' }), /Endpoints/],
    ['a name that is none', zip({ 'meta.json': '{"Name":{}}' }), /Name/],
  ])('is refused for %s', async (_what, archive, message) => {
    await expect(unpackContext(archive)).rejects.toThrow(message)
  })

  it('has a bounded number of files', async () => {
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`tls/docker/${index}`, 'x']))
    for (const archive of [await tar(many), zip(many)])
      await expect(unpackContext(archive)).rejects.toThrow(/more than 100/)
  })
})
