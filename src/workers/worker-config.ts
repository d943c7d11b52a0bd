// The configuration of one of several workers: the limits that guard the machine are those of all workers together, so
// each gets its part; the port is shared.

import { availableParallelism } from 'node:os';
import type { PosternConfig } from '../config/postern-config.ts';

/** How many processes are to serve. */
export function workerCount(config: PosternConfig): number {
  return config.workers === 'auto' ? availableParallelism() : config.workers;
}

/** What each of `count` workers is told. Parts are rounded up: a limit of 10 makes three times 4. */
export function workerConfig(config: PosternConfig, count: number): PosternConfig {
  const part = (limit: number): number => Math.ceil(limit / count);
  const inbound = config.inbound.map((listener) => {
    const { connections, handshakes } = listener.limits;
    const limits = { ...listener.limits, connections: part(connections), handshakes: part(handshakes) };
    return { ...listener, reusePort: true, limits };
  });
  const outbound = config.outbound.map((listener) => {
    const limits = { ...listener.limits, connections: part(listener.limits.connections) };
    const { connections, pending, requests } = listener.breaker;
    const breaker = { connections: part(connections), pending: part(pending), requests: part(requests) };
    return { ...listener, reusePort: true, limits, breaker };
  });
  return { ...config, inbound, outbound };
}
