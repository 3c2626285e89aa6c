import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { command } from './command.ts'

/** What an image has no use for. */
const LEFT_OUT = ['usr/share/doc', 'usr/share/man', 'usr/share/locale', 'usr/share/lintian', 'usr/share/info']

/**
 * Unpacks Debian packages and all they depend on into `root`, without configuring them: enough for programs that need
 * files only. Asks apt as if nothing were installed, so that the result does not depend on this machine.
 */
export async function unpackPackages(root: string, packages: readonly string[]): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'shoal-packages-'))
  try {
    await mkdir(join(work, 'archives/partial'), { recursive: true })
    await mkdir(root, { recursive: true })
    writeFileSync(join(work, 'status'), '')
    const settings = [
      `Dir::State::status=${work}/status`,
      `Dir::Cache::archives=${work}/archives`,
      'Debug::NoLocking=1',
      'APT::Sandbox::User=root',
    ].flatMap(setting => ['-o', setting])
    const download = ['--no-install-recommends', '--download-only', '--yes', 'install', ...packages]
    const install = ['apt-get', '--quiet', ...settings, ...download]
    // A machine whose lists are older than the archive gets new ones once.
    await command(install, { timeoutMs: 300_000 }).catch(async () => {
      await command(['apt-get', '--quiet', 'update'], { timeoutMs: 300_000 })
      await command(install, { timeoutMs: 300_000 })
    })
    const archives = readdirSync(join(work, 'archives')).filter(name => name.endsWith('.deb'))
    for (const archive of archives.sort()) await command(['dpkg', '-x', join(work, 'archives', archive), root])
    for (const path of LEFT_OUT) rmSync(join(root, path), { recursive: true, force: true })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
