export { HealthMonitor, type HealthPorts, type WatchedContainer } from './health-monitor.ts'
export { type HealthPlan, PROBE_OUTPUT_BYTES_MAX, planHealth, STARTING_HEALTH } from './health-state.ts'
