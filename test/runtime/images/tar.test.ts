import { describe, expect, it } from 'vitest'
import type { TarEntry } from '../../../src/runtime/images/tar/header.ts'
import { encodeHeader, plainFile, TAR_END, tarPadding } from '../../../src/runtime/images/tar/header-writer.ts'
import { TarReader } from '../../../src/runtime/images/tar/reader.ts'
import { fc } from '../../support/property.ts'

interface Read {
  readonly entries: { readonly entry: TarEntry; readonly content: string }[]
}

function read(archive: Buffer, pieceBytes = archive.length): Read {
  const entries: { entry: TarEntry; content: string }[] = []
  const reader = new TarReader({
    entry: entry => void entries.push({ entry, content: '' }),
    data: chunk => {
      const last = entries.at(-1)
      if (last !== undefined) last.content += chunk.toString('latin1')
    },
    end: () => {},
  })
  for (let at = 0; at < archive.length; at += pieceBytes) reader.write(archive.subarray(at, at + pieceBytes))
  reader.finish()
  return { entries }
}

function pack(items: readonly { readonly entry: TarEntry; readonly content: string }[]): Buffer {
  const parts = items.flatMap(({ entry, content }) => [
    encodeHeader(entry),
    Buffer.from(content, 'latin1'),
    tarPadding(content.length),
  ])
  return Buffer.concat([...parts, TAR_END])
}

const name = fc
  .array(fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' }), { minLength: 1, maxLength: 4 })
  .map(parts => parts.map(part => part.replaceAll('/', '_').replaceAll('\0', '_')).join('/'))
  .filter(text => text.isWellFormed() && !text.includes('\uFFFD'))
const large = fc.oneof(fc.nat(), fc.integer({ min: 0, max: 2 ** 32 - 1 }))
const entry = fc.record({
  name,
  type: fc.constantFrom('directory', 'symlink', 'hardlink', 'char', 'block', 'fifo', 'file'),
  linkName: name,
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: large,
  gid: large,
  mtimeSeconds: fc.integer({ min: 0, max: 2 ** 33 - 1 }),
  device: fc.record({ major: fc.nat(4095), minor: fc.nat(1_000_000) }),
  xattrs: fc.uniqueArray(fc.constantFrom('user.a', 'security.capability'), { maxLength: 2 }),
  value: fc.uint8Array({ maxLength: 40 }),
  content: fc.string({ unit: 'binary', maxLength: 2000 }).map(text => Buffer.from(text).toString('latin1')),
})
const item = entry.map(({ xattrs, value, content, ...fields }) => {
  const isLink = fields.type === 'symlink' || fields.type === 'hardlink'
  const body = fields.type === 'file' ? content : ''
  return {
    content: body,
    entry: {
      ...fields,
      name: fields.type === 'directory' ? `${fields.name}/` : fields.name,
      linkName: isLink ? fields.linkName : '',
      size: body.length,
      xattrs: new Map(xattrs.map(key => [key, Buffer.from(value)])),
    },
  }
})

describe('tar', () => {
  it('reads back what it wrote, in pieces of any size', () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 5 }), fc.integer({ min: 1, max: 1500 }), (items, piece) => {
        expect(read(pack(items), piece).entries).toEqual(items)
      }),
    )
  })

  it('tells a cut-off archive from a whole one', () => {
    const whole = pack([{ entry: plainFile('a', 700), content: 'x'.repeat(700) }])
    for (const length of [100, 512, 700, 1212, 1535]) {
      expect(() => read(whole.subarray(0, length))).toThrow('cut off in the middle of an entry')
    }
    expect(read(whole.subarray(0, 1536)).entries).toHaveLength(1)
  })

  it('refuses a damaged header', () => {
    const archive = pack([{ entry: plainFile('a', 0), content: '' }])
    archive[3] = 0x41
    expect(() => read(archive)).toThrow('the checksum of a header is wrong')
  })

  it("reads GNU's long names and base-256 numbers", () => {
    const longName = 'd/'.repeat(80) + 'f'
    const holder = encodeHeader({ ...plainFile('././@LongLink', longName.length + 1) })
    const header = encodeHeader(plainFile('d/f', 0))
    const patched = withFlag(holder, 'L')
    const archive = Buffer.concat([
      patched,
      Buffer.from(`${longName}\0`),
      tarPadding(longName.length + 1),
      header,
      TAR_END,
    ])
    expect(read(archive).entries[0]?.entry.name).toBe(longName)
  })

  it('refuses sparse files, unknown types and names that are not UTF-8', () => {
    expect(() => read(withFlag(encodeHeader(plainFile('a', 0)), 'S'))).toThrow('sparse')
    expect(() => read(withFlag(encodeHeader(plainFile('a', 0)), 'Z'))).toThrow('unknown type')
    const latin = encodeHeader(plainFile('aa', 0))
    latin[0] = 0xe9
    expect(() => read(withFlag(latin, '0'))).toThrow('not UTF-8')
  })
})

/** Changes the type of a header and corrects its checksum. */
function withFlag(header: Buffer, flag: string): Buffer {
  const block = Buffer.from(header)
  block.write(flag, 156, 'latin1')
  block.fill(0x20, 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}
