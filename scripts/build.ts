import { rm } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'

/**
 * Bundles the program into dist/, split so that each command loads only what it needs.
 *
 * Packages stay outside the bundle when they bring native code (koffi, ssh2), read files beside their own (etcd3 and grpc
 * load .proto files, pino starts worker files), or lose their names in it (@peculiar/x509): node_modules is always there at run time.
 */
const EXTERNAL = ['koffi', 'etcd3', '@grpc/*', 'pino', 'esbuild', 'ssh2', '@peculiar/x509', 'reflect-metadata']

/** Bundled CommonJS packages call require(), which ECMAScript modules do not have. */
const REQUIRE_SHIM =
  "import { createRequire as shoalRequire } from 'node:module'; const require = shoalRequire(import.meta.url);"

/**
 * Takes Node's own modules by a call. An `import` of node:http reads everything the module offers, also what is only loaded when
 * it is read: fetch, HTTP/2, web streams. That is 7 MB of memory and 70 modules that nobody here uses.
 */
const LAZY_BUILTINS: Plugin = {
  name: 'lazy-builtins',
  setup(bundle) {
    bundle.onResolve({ filter: /./ }, ({ path }) => (isBuiltin(path) ? { path, namespace: 'builtin' } : undefined))
    bundle.onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)})`,
      loader: 'js',
    }))
  },
}

const root = fileURLToPath(new URL('..', import.meta.url))

await rm(`${root}/dist`, { recursive: true, force: true })
const { errors, warnings } = await build({
  absWorkingDir: root,
  // The others are what the first runs beside itself.
  entryPoints: {
    cli: 'src/main/cli.ts',
    'mount-program': 'src/runtime/volumes/mount-program.ts',
    'unpack-program': 'src/runtime/images/tar/unpack-program.ts',
    'stand-in-program': 'src/runtime/network/stand-in/stand-in-program.ts',
  },
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
  // The text of what is loaded stays in memory; one character beyond Latin in a comment would double it.
  minifyWhitespace: true,
  plugins: [LAZY_BUILTINS],
  legalComments: 'none',
  logLevel: 'warning',
})
if (errors.length + warnings.length > 0) process.exitCode = errors.length > 0 ? 1 : 0
