export {
  createDockerServer,
  type DockerServer,
  type DockerServerOptions,
  type ListenOptions,
  type ServerTls,
} from './docker-server.ts'
export type { HttpApp } from './http-app.ts'
