import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/**
 * Bundles the program into dist/, split so that each command loads only what it needs.
 *
 * Packages stay outside the bundle when they bring native code (koffi) or read files beside their own (etcd3 and grpc
 * load .proto files, pino starts worker files): node_modules is always there at run time.
 */
const EXTERNAL = ['koffi', 'etcd3', '@grpc/*', 'pino', 'esbuild']

/** Bundled CommonJS packages call require(), which ECMAScript modules do not have. */
const REQUIRE_SHIM =
  "import { createRequire as shoalRequire } from 'node:module'; const require = shoalRequire(import.meta.url);"

const root = fileURLToPath(new URL('..', import.meta.url))

await rm(`${root}/dist`, { recursive: true, force: true })
const { errors, warnings } = await build({
  absWorkingDir: root,
  // The second is what the first runs beside itself.
  entryPoints: { cli: 'src/main/cli.ts', 'unpack-program': 'src/runtime/images/tar/unpack-program.ts' },
  outdir: 'dist/main',
  chunkNames: '../chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  external: EXTERNAL,
  banner: { js: REQUIRE_SHIM },
  sourcemap: true,
  sourcesContent: false,
  minifySyntax: true,
  legalComments: 'none',
  logLevel: 'warning',
})
if (errors.length + warnings.length > 0) process.exitCode = errors.length > 0 ? 1 : 0
