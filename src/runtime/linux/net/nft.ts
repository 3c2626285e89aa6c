import { spawn } from 'node:child_process'
import type { Clock } from '../../../core/clock.ts'
import { withDeadline } from '../../../core/clock.ts'
import { failed } from '../../../core/errors.ts'

/** It does its work at once, but it is a program that a host under load, or an emulated one, starts slowly. */
const NFT_TIMEOUT_MS = 60_000
const STDERR_CHARS_MAX = 2_000

/** Applies an nftables script in one transaction: all of it, or nothing. Throws NFT_FAILED with nft's complaint. */
export async function runNft(script: string, clock: Clock): Promise<void> {
  await withDeadline(signal => feedNft(script, signal), NFT_TIMEOUT_MS, {
    clock,
    onTimeout: () => failed('NFT_FAILED', `nft did not end within ${NFT_TIMEOUT_MS / 1_000} s: check the host's load`),
  })
}

function feedNft(script: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('nft', ['-f', '-'], { stdio: ['pipe', 'ignore', 'pipe'], signal, killSignal: 'SIGKILL' })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(0, STDERR_CHARS_MAX)
    })
    child.on('error', cause =>
      reject(failed('NFT_FAILED', 'Cannot run nft: install nftables, or run without packet filter', { cause })),
    )
    child.on('close', code => {
      if (code === 0) resolve()
      else reject(failed('NFT_FAILED', `nft -f - failed with code ${code}: ${stderr.trim()}`, { details: { script } }))
    })
    // nft may end without reading all; its exit code tells.
    child.stdin.on('error', () => {})
    child.stdin.end(script)
  })
}
