import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

/**
 * The process that every launcher starts: `cli.js <program> <arguments…>`. Compiled code is kept beside the program
 * (not in /tmp, where others could put theirs), before anything else is loaded.
 */
enableCompileCache(fileURLToPath(new URL('../../.cache/compile', import.meta.url)))

const [program = 'shoal', ...argv] = process.argv.slice(2)
const { runLauncher } = await import('./launcher.ts')
process.exitCode = await runLauncher(program, argv)
