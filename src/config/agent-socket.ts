// Where the agent of `source: workload-api` listens: as the configuration says, else as the environment does
// (SPIFFE_Workload_Endpoint §4: conforming clients fall back to SPIFFE_ENDPOINT_SOCKET).

import { isPosternError } from '../errors.ts';
import { parseAgentAddress } from '../identity/workload-api/agent-address.ts';
import type { Environment } from './config-source.ts';
import { type Conflict, conflict } from './conflict.ts';
import type { IdentityConfig } from './identity-section.ts';

const variable = 'SPIFFE_ENDPOINT_SOCKET';

/** The address in force; null where neither place says one. */
export function agentSocket(written: string | null, env: Environment): string | null {
  return written ?? (env[variable] || null);
}

/** No address at all, or a variable that holds none. What the file says was checked by its schema. */
export function agentConflicts(identity: IdentityConfig | undefined, env: Environment): Conflict[] {
  if (identity?.source !== 'workload-api') return [];
  const socket = agentSocket(identity.workloadApi.socket, env);
  if (socket === null) {
    const message = `\`source: workload-api\` needs the address of the agent, and ${variable} is not set`;
    const mend = `add \`workload_api: { socket: unix:///run/spire/agent.sock }\`, or set ${variable}`;
    return [{ ...conflict(message, mend, ['identity', 'source']), code: 'ERR_CONFIG_KEY' }];
  }
  try {
    parseAgentAddress(socket);
    return [];
  } catch (error) {
    if (!isPosternError(error)) throw error;
    const message = `${variable}: ${error.message}`;
    return [{ ...conflict(message, error.mend, ['identity', 'source']), code: error.code }];
  }
}
