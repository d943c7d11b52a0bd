// The world of the gRPC demo, made anew in a folder: a chat service that speaks gRPC in the clear, the sidecar before it with
// HTTP/2 on, and callers of two trust domains.

import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { loadConfig } from '../config/load-config.ts';
import { openDevCa } from '../identity/dev-ca.ts';
import { Sidecar } from '../runtime/sidecar.ts';
import { type ChatService, startChatService } from './chat-service.ts';
import { clearFolder, type DemoCaller, type DemoWorldOptions, demoEnvironment } from './demo-world.ts';

export type ChatCallerName = 'alice' | 'bob' | 'guest' | 'staging';

export interface GrpcDemoWorld {
  readonly sidecar: Sidecar;
  readonly service: ChatService;
  readonly port: number;
  readonly callers: Readonly<Record<ChatCallerName, DemoCaller>>;
  /** Puts another policy in force: only these may talk. @throws PosternError */
  letTalk(names: readonly ChatCallerName[]): Promise<void>;
  close(): Promise<void>;
}

const production = 'prod.acme.com';
const staging = 'staging.acme.com';

/** Makes the world and starts it. @throws PosternError */
export async function openGrpcDemo(options: DemoWorldOptions): Promise<GrpcDemoWorld> {
  await clearFolder(options.dir);
  const callers = await makeCallers(options.dir);
  const policyFile = path.join(options.dir, 'policies', 'chat.yaml');
  await writeFile(policyFile, policyYaml(['alice', 'bob']));
  const service = await startChatService();
  try {
    const configFile = path.join(options.dir, 'postern.yaml');
    await writeFile(configFile, configYaml({ ...options, servicePort: service.port }));
    const readConfig = async () => (await loadConfig(configFile, options.env, options.dir)).config;
    const sidecar = await Sidecar.start(await readConfig(), demoEnvironment(options, readConfig));
    const [listener] = sidecar.parts.listeners.all;
    return {
      sidecar,
      service,
      port: Number(listener!.boundAddress.split(':').at(-1)),
      callers,
      letTalk: async (names) => {
        await writeFile(policyFile, policyYaml(names));
        await sidecar.reload();
      },
      close: async () => {
        await sidecar.stop(0, AbortSignal.abort());
        await service.close();
      },
    };
  } catch (error) {
    await service.close();
    throw error;
  }
}

async function makeCallers(dir: string): Promise<GrpcDemoWorld['callers']> {
  const prodCa = await openDevCa({ dir: path.join(dir, 'ca'), trustDomain: production });
  const stagingCa = await openDevCa({ dir: path.join(dir, 'staging-ca'), trustDomain: staging });
  await writeFile(path.join(dir, 'staging-bundle.pem'), stagingCa.bundlePem);
  const caller = async (issuer: typeof prodCa, id: string): Promise<DemoCaller> => {
    const svid = await issuer.issue({ spiffeId: id });
    return { id, cert: svid.certChainPem, key: svid.keyPem, ca: prodCa.bundlePem };
  };
  return {
    alice: await caller(prodCa, `spiffe://${production}/ns/chat/alice`),
    bob: await caller(prodCa, `spiffe://${production}/ns/chat/bob`),
    guest: await caller(prodCa, `spiffe://${production}/ns/chat/guest`),
    staging: await caller(stagingCa, `spiffe://${staging}/ns/chat/alice`),
  };
}

function policyYaml(talkers: readonly ChatCallerName[]): string {
  const ids = talkers.map((name) => `"spiffe://${production}/ns/chat/${name}"`);
  return `policy "chat":
  principals: { type: workload, spiffe_id: "spiffe://${production}/ns/chat/**" }
  rules:
    - name: members-talk
      effect: allow
      actions: ["grpc:/chat.v1.Chat/Talk"]
      conditions: ['principal.spiffe_id in [${ids.join(', ')}]']
    - { name: all-may-read, effect: allow, actions: ["grpc:/chat.v1.Chat/History"] }
    - { name: nobody-clears, effect: deny, priority: 100, actions: ["grpc:/chat.v1.Chat/Clear"] }
`;
}

function configYaml(ports: {
  readonly port: number;
  readonly adminPort: number;
  readonly servicePort: number;
}): string {
  return `# The configuration of the gRPC demo. It is a whole one: \`postern run -c\` takes it as it is.
version: 1

identity:
  source: dev-ca                    # in real life: files or workload-api
  dev_ca: { dir: ca, spiffe_id: spiffe://${production}/ns/chat/server }
  federation:
    - { trust_domain: ${staging}, bundle: { file: staging-bundle.pem } }
  attributes:
    - match: spiffe://{environment}.acme.com/ns/{namespace}/{service}

inbound:
  - name: chat
    listen: 127.0.0.1:${ports.port}
    http2: on
    forward: h2c://127.0.0.1:${ports.servicePort}
    resource: { type: service, name: chat }

policy:
  paths: [policies/]

audit:
  journal: { dir: journal }
  stdout: off
  outcomes: all

admin:
  listen: 127.0.0.1:${ports.adminPort}

shutdown: { drain: 2s }
`;
}
