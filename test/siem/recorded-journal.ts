// Journals for the detection rules: what our own recorder writes of a row of events, as it stands and as ECS.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { parse } from 'yaml';
import type { AuthnFailedEvent, DecisionEvent } from '../../src/audit/decision-event.ts';
import { encodeEcs } from '../../src/audit/encode/ecs.ts';
import { journalFolder, readRecords, record, startRecorder } from '../audit/journal-in-folder.ts';
import { connection, decisionEvent, deny, principal } from '../audit/sample-events.ts';
import { ScriptedDisk } from '../audit/scripted-disk.ts';
import { type EventForm, siemFolder } from './sigma-rules.ts';
import type { Event } from './sigma-search.ts';

/** An event, a refused peer, or a write that the disk refuses. */
export type Happening =
  | { readonly kind: 'decision'; readonly event: DecisionEvent }
  | { readonly kind: 'refused'; readonly event: AuthnFailedEvent }
  | { readonly kind: 'unwritten'; readonly event: DecisionEvent };

/** Records all that happens, in its order, and reads the journal. */
export async function recorded(t: TestContext, happenings: readonly Happening[]): Promise<readonly Event[]> {
  const dir = await journalFolder(t);
  const calls = new ScriptedDisk();
  const { recorder } = await startRecorder(t, dir, {}, { calls });
  for (const { kind, event } of happenings) {
    if (kind === 'unwritten') calls.steps.push({ kind: 'fail', code: 'ENOSPC' });
    if (kind === 'refused') recorder.authnFailed(event);
    else await record(recorder, event);
  }
  await recorder.close();
  return readRecords(dir);
}

const pipeline = parse(readFileSync(join(siemFolder, 'sigma/pipelines/postern_ecs.yml'), 'utf8')) as {
  readonly transformations: readonly { readonly mapping: Readonly<Record<string, string>> }[];
};
const ecsNames = pipeline.transformations[0]!.mapping;

/** Records as they stand. */
export const nativeForm: EventForm = {
  nameOf: (field) => field,
  timeMs: (event) => Date.parse(String(event['time'])),
};

/** Records as ECS, with the names that the pipeline gives to the fields of rules. */
export const ecsForm: EventForm = {
  nameOf: (field) => ecsNames[field] ?? `no field ${field} in the pipeline`,
  timeMs: (event) => Date.parse(String(event['@timestamp'])),
};

export function asEcs(records: readonly Event[]): readonly Event[] {
  return records.flatMap((one) => {
    const line = encodeEcs(one);
    return line === null ? [] : [JSON.parse(line) as Event];
  });
}

/** What differs in a call from that of one production service to another, which is allowed. */
export interface Call {
  readonly n?: number;
  /** Seconds from the first. */
  readonly atS?: number;
  readonly caller?: string;
  readonly environment?: string;
  readonly resource?: string;
  readonly resourceEnvironment?: string;
  readonly sourceIp?: string;
  readonly isDenied?: boolean;
  readonly token?: { readonly jtiSha256: string; readonly isReplayed: boolean };
  readonly change?: Partial<DecisionEvent>;
}

const startUs = 1_795_341_600_000_000;

export function call(facts: Call = {}): Happening {
  const made = decisionEvent(facts.n ?? 0, facts.isDenied === true ? { decision: deny } : {});
  const { request } = made;
  const token = facts.token && tokenOf(facts.token);
  const id = facts.caller ?? principal.id;
  const environment = facts.environment ?? 'production';
  const caller = { ...principal, id, spiffeId: id, environment, ...(token && { token: token.principal }) };
  const event: DecisionEvent = {
    ...made,
    timeUs: startUs + (facts.atS ?? facts.n ?? 0) * 1_000_000,
    request: {
      ...request,
      principal: caller,
      resource: {
        ...request.resource,
        name: facts.resource ?? 'payments_db',
        environment: facts.resourceEnvironment ?? 'production',
      },
      network: { ...request.network, sourceIp: facts.sourceIp ?? '10.0.0.7' },
    },
    connection: token === undefined ? connection : { ...connection, token: token.facts },
    ...facts.change,
  };
  return { kind: 'decision', event };
}

function tokenOf({ jtiSha256, isReplayed }: NonNullable<Call['token']>) {
  const issuer = 'https://tokens.example';
  return {
    principal: { issuer, subject: 'ci', spiffeId: undefined, type: 'user', actors: undefined, replayed: isReplayed },
    facts: { jtiSha256, audience: ['payments'], notAfterMs: startUs / 1000 + 600_000 },
  };
}
