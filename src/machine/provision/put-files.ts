import type { HostFacts } from './facts/host-facts.ts'
import { PUT_FILES } from './scripts/file-scripts.ts'
import type { StepWork } from './step.ts'
import { sha256, type WishedFile } from './wish.ts'

const PUT_MS_MAX = 120_000

/** Writes files, each whole or not at all, in one command; what was there can be brought back. `script` may do more than that. */
export async function putFiles(
  files: readonly WishedFile[],
  { shell, signal, note, run }: StepWork,
  script = PUT_FILES,
): Promise<void> {
  if (files.length === 0) return
  await note({ undo: 'restore-files', paths: files.map(({ path }) => path) })
  const stdin = files
    .map(({ mode, path, content }) => `${mode} ${path} ${Buffer.from(content).toString('base64')}\n`)
    .join('')
  await shell.do(`write ${files.map(({ path }) => path).join(', ')}`, script, [run], {
    stdin,
    timeoutMs: PUT_MS_MAX,
    signal,
  })
}

/** Those of which the host has another content, or none. */
export function changedFiles(files: readonly WishedFile[], facts: HostFacts): WishedFile[] {
  return files.filter(({ path, content }) => facts.files.get(path) !== sha256(content))
}
