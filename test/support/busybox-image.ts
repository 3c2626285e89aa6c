import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { type Pack, pack } from 'tar-stream'

const BUSYBOX = '/bin/busybox'

export interface BusyboxImage {
  /** `busybox:test` unless given. */
  readonly name?: string
  /** Fields of the image's config, as in its JSON. */
  readonly config?: Readonly<Record<string, unknown>>
  /** More files: path -> content. */
  readonly files?: Readonly<Record<string, string>>
}

/** An image of one layer with busybox in it, as `docker save` writes one. */
export async function busyboxArchive({
  name = 'busybox:test',
  config = {},
  files = {},
}: BusyboxImage = {}): Promise<Buffer> {
  const layer = await busyboxLayer(files)
  const image = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    created: '2026-01-02T03:04:05Z',
    config: { Env: ['PATH=/bin'], Cmd: ['sh'], ...config },
    rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] },
  })
  const configName = `${sha256(Buffer.from(image))}.json`
  const manifest = [{ Config: configName, RepoTags: [name], Layers: ['layer.tar'] }]
  const archive = pack()
  archive.entry({ name: configName }, image)
  archive.entry({ name: 'layer.tar' }, layer)
  archive.entry({ name: 'manifest.json' }, JSON.stringify(manifest))
  archive.finalize()
  return buffer(archive)
}

/** A context for `docker build`: a tar of the given files. */
export function contextTar(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const archive = pack()
  for (const [name, text] of Object.entries(files)) archive.entry({ name }, text)
  archive.finalize()
  return buffer(archive)
}

/** Layer with busybox and all its applets, a tar. */
export function busyboxLayer(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const archive = pack()
  const mtime = new Date(0)
  for (const name of ['bin/', 'etc/', 'proc/', 'sys/', 'dev/', 'tmp/', 'root/']) {
    archive.entry({ name, type: 'directory', mode: name === 'tmp/' ? 0o1777 : 0o755, mtime })
  }
  archive.entry({ name: 'bin/busybox', mode: 0o755, mtime }, readFileSync(BUSYBOX))
  for (const applet of execFileSync(BUSYBOX, ['--list'], { encoding: 'utf8' }).trim().split('\n')) {
    if (applet !== 'busybox') archive.entry({ name: `bin/${applet}`, type: 'symlink', linkname: 'busybox', mtime })
  }
  addFiles(archive, { 'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nweb:x:33:33::/tmp:/bin/sh\n', ...files })
  archive.finalize()
  return buffer(archive)
}

function addFiles(archive: Pack, files: Readonly<Record<string, string>>): void {
  const made = new Set(['bin', 'etc', 'tmp', 'root'])
  for (const [path, text] of Object.entries(files)) {
    const parts = path.split('/').slice(0, -1)
    for (const [index] of parts.entries()) {
      const directory = parts.slice(0, index + 1).join('/')
      if (!made.has(directory)) archive.entry({ name: `${directory}/`, type: 'directory', mtime: new Date(0) })
      made.add(directory)
    }
    archive.entry({ name: path, mode: 0o644, mtime: new Date(0) }, text)
  }
}

function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}
