import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dockerPlain, shoalPlain } from '../../support/docker-cli.ts'
import { makeCertificate } from '../../support/make-certificate.ts'

let folder = ''
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-contexts-'))
  const { cert, key } = await makeCertificate()
  for (const file of ['ca.pem', 'cert.pem']) writeFileSync(join(folder, file), cert)
  writeFileSync(join(folder, 'key.pem'), key)
})
afterEach(() => rmSync(folder, { recursive: true }))

const PROGRAMS = { docker: dockerPlain, shoal: shoalPlain }
type Program = keyof typeof PROGRAMS

/** Both share one configuration. */
async function context(program: Program, ...argv: string[]): Promise<string> {
  const environment = { DOCKER_CONFIG: join(folder, 'docker') }
  const { code, stdout, stderr } = await PROGRAMS[program](['context', ...argv], { environment, cwd: folder })
  expect([argv, code, stderr]).toEqual([argv, 0, expect.any(String)])
  return stdout
}

const LAB = 'host=tcp://127.0.0.1:2376,ca=ca.pem,cert=cert.pem,key=key.pem'

describe.each([
  ['docker', 'shoal'],
  ['shoal', 'docker'],
] as const)('what %s writes', (writer, reader) => {
  it(`is what ${reader} reads`, async () => {
    await context(writer, 'create', 'lab', '--docker', LAB, '--description', 'a lab')
    await context(writer, 'create', 'far', '--docker', 'host=ssh://ann@far.example.org')
    await context(writer, 'update', 'far', '--description', 'far away')
    await context(writer, 'use', 'lab')
    const named = ['inspect', 'lab', 'far'] as const
    expect(await context(reader, ...named)).toBe(await context(writer, ...named))
    expect(await context(reader, 'show')).toBe('lab\n')
    const line = ['ls', '--format', '{{.Name}}|{{.Current}}|{{.Description}}|{{.DockerEndpoint}}|{{.Error}}'] as const
    const kept = (text: string): string[] => text.split('\n').filter(each => !each.startsWith('default|'))
    expect(kept(await context(reader, ...line))).toEqual(kept(await context(writer, ...line)))

    await context(writer, 'export', 'lab', 'lab.tar')
    await context(reader, 'import', 'copy', 'lab.tar')
    const endpoint = ['-f', '{{json .Endpoints}}{{json .TLSMaterial}}'] as const
    expect(await context(writer, 'inspect', ...endpoint, 'copy')).toBe(
      await context(writer, 'inspect', ...endpoint, 'lab'),
    )
    await context(reader, 'rm', '-f', 'lab', 'far', 'copy')
    expect(await context(writer, 'ls', '-q')).toBe('default\n')
  })
})
