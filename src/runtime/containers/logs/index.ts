export { LogRotator, type RotatedLog } from './log-rotator.ts'
export { type ReadLogsPorts, readLogs } from './read-logs.ts'
export { type LogLimits, readLogConfig, reopenLog, rotateLog } from './rotate.ts'
