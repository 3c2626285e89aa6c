import packageJson from '#package' with { type: 'json' }

/** The version of Shoal, as `--version` and the APIs give it. */
export const VERSION: string = packageJson.version
