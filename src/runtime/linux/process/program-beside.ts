/**
 * A program of ours that is started as a process of its own: beside the file that names it as long as that is a source, beside
 * the main program once both are bundled (scripts/build.ts). `here` is the file's `import.meta.url`.
 */
export function programBeside(here: string, name: string): URL {
  return here.endsWith('.ts') ? new URL(`./${name}.ts`, here) : new URL(`../main/${name}.js`, here)
}
