export {
  createDockerServer,
  type DockerServer,
  type DockerServerOptions,
  type ListenOptions,
  registerDockerRoutes,
  type ServerTls,
} from './docker-server.ts'
export type { HttpApp } from './http-app.ts'
