/** How an engine is described to `context create` and `update`. */
export const DOCKER_FLAG = '--docker <key=value>'
