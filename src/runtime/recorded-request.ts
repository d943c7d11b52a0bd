// From a decision record back to the question that was put to policy (records.md: the record holds every input that policy
// read), so that a decision can be explained, or judged under another policy. What was masked cannot be judged again.

import type { AuthzRequest } from '../authz/model.ts';
import { requestFromJson } from '../authz/request-json.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The request of a record, or null where it cannot be judged again: no request was ever there, or inputs were masked. */
export function requestOfRecord(record: Fields, nowMs: number): AuthzRequest | null {
  const action = at(record, 'action');
  const name = action['name'];
  if (typeof name !== 'string' || name === 'unknown' || Array.isArray(record['masked'])) return null;
  try {
    return requestFromJson(questionOf(record, actionsOf(action, name)), nowMs);
  } catch {
    return null;
  }
}

function questionOf(record: Fields, action: unknown): unknown {
  const correlation = at(record, 'correlation');
  const http = at(record, 'http');
  return {
    principal: principalOf(at(record, 'principal')),
    action,
    resource: resourceOf(at(record, 'resource'), http),
    network: at(record, 'network'),
    tls: tlsOf(record),
    request: { time: record['time'], id: correlation['request_id'], http: { method: http['method'] } },
  };
}

function actionsOf(action: Fields, name: string): unknown {
  if (Array.isArray(action['required'])) return action['required'];
  return { name, names: action['names'] ?? [name], protocol: action['protocol'] ?? 'http' };
}

/** What a record leaves out was missing: `null` keeps it from being derived now. */
function principalOf(principal: Fields): unknown {
  const id = principal['id'] ?? principal['workload_id'];
  const isWorkload = typeof id === 'string' && id.startsWith('spiffe://');
  const optional = ['trust_domain', 'namespace', 'service_account', 'environment', 'attestation', 'issuer'];
  return {
    id,
    type: principal['type'],
    authn: principal['authn'],
    ...(isWorkload ? { spiffe_id: id } : {}),
    ...Object.fromEntries(optional.map((name) => [name, principal[name] ?? null])),
    ...(principal['token'] === undefined ? {} : { token: tokenOf(at(principal, 'token')) }),
  };
}

function tokenOf({ issuer, subject, spiffe_id, type, actors, replayed }: Fields): unknown {
  return { issuer, subject, spiffe_id, type, actors: actors ?? [], replayed };
}

function resourceOf(resource: Fields, http: Fields): unknown {
  return { ...resource, path: http['path'], method: http['method'] };
}

function tlsOf(record: Fields): unknown {
  const { version, cipher, sni, alpn } = at(record, 'tls');
  const { serial, not_before, not_after, fingerprint_sha256 } = at(at(record, 'principal'), 'credential');
  return { version, cipher, sni, alpn, peer: { serial, not_before, not_after, fingerprint_sha256 } };
}

function at(record: Fields, key: string): Fields {
  const value = record[key];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}
