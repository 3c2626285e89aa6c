/** Docker compose's labels, by which tools know the containers of a project. */
export const PROJECT_LABEL = 'com.docker.compose.project'
export const SERVICE_LABEL = 'com.docker.compose.service'
export const NUMBER_LABEL = 'com.docker.compose.container-number'
/** `True`: made by `run`, no replica of its service. */
export const ONE_OFF_LABEL = 'com.docker.compose.oneoff'
export const SLUG_LABEL = 'com.docker.compose.slug'
export const HASH_LABEL = 'com.docker.compose.config-hash'
export const WORKING_DIR_LABEL = 'com.docker.compose.project.working_dir'
export const CONFIG_FILES_LABEL = 'com.docker.compose.project.config_files'
