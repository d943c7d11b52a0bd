// The tables that `postern identity` prints.

import type { BundleSet } from '../identity/bundle-set.ts';
import type { AttributesView, AuthorityView, IdentityView } from '../identity/identity-view.ts';
import type { CertificateView, InspectFinding, Inspection } from '../identity/inspect.ts';
import type { PeerRole } from '../identity/leaf-rules.ts';
import type { CrlView, FederationView } from '../identity/trust-view.ts';
import type { Paint } from '../lib/paint.ts';
import type { IdentityKnowledge } from './identity-knowledge.ts';

/** The own identity, in lines. */
export function formatIdentity(view: IdentityView, paint: Paint): string {
  const { source, bundles } = view;
  const rows: [string, string][] = [
    ['identity', paint.bold(view.spiffe_id)],
    ...attributeRows(view.attributes),
    ['source', source.endpoint === null ? source.kind : `${source.kind} at ${source.endpoint}`],
    ['issuer', view.issuer],
    ['serial', view.serial],
    ['sha-256', view.fingerprint_sha256],
    ['valid', `${view.not_before} to ${view.not_after}`],
    ['rotation', source.next_rotation === null ? 'when the files change' : `due ${source.next_rotation}`],
  ];
  const parts = bundles.flatMap((bundle) => [
    `\nbundle of ${paint.bold(bundle.trust_domain)}${bundle.own ? ' (own)' : ''}`,
    ...bundle.authorities.map((authority) => authorityLine(authority, paint)),
    ...(bundle.authorities.length === 0 ? [`  ${paint.red('no authority: nobody of it is accepted')}`] : []),
  ]);
  const endpoints = source.federation.flatMap((one) => endpointLines(one, paint));
  const crls = source.crls.map((one) => crlLine(one, paint));
  return `${[...table(rows), ...parts, ...endpoints, ...crls].join('\n')}\n`;
}

function endpointLines(one: FederationView, paint: Paint): string[] {
  const { fault, last_success, sequence, using } = one;
  const rows: [string, string][] = [
    ['endpoint', `${one.url} (${one.profile})`],
    [
      'in use',
      using === 'endpoint' ? `what it gave, sequence ${sequence ?? 'not named'}` : `not fetched yet; ${using}`,
    ],
    ['fetched', last_success ?? 'never'],
    ...(fault === null ? [] : ([['fault', paint.red(fault)]] as [string, string][])),
  ];
  return [`\nfederation with ${paint.bold(one.trust_domain)}`, ...table(rows)];
}

const standings: Readonly<Record<string, string>> = {
  signed: '',
  unknown_issuer: ', of a CA that is in no bundle',
  forged: ', NOT signed by that CA and not used',
};

function crlLine({ issuer, rows, next_update, expired, standing }: CrlView, paint: Paint): string {
  const end = expired ? paint.red(`expired ${next_update}`) : `until ${next_update}`;
  return `\nCRL of ${issuer}: ${rows} revoked, ${end}${standings[standing] ?? ''}`;
}

/** What an inspection was made with, besides the certificates. */
export interface InspectionContext {
  readonly roles: readonly PeerRole[];
  readonly bundles: BundleSet | null;
  readonly known: IdentityKnowledge | null;
  readonly paint: Paint;
}

/** What an inspection found, and the answer in its last line. */
export function formatInspection(inspection: Inspection, { roles, bundles, known, paint }: InspectionContext): string {
  const certificates = inspection.certificates.flatMap((one, at) => certificateLines(one, at, paint));
  const findings = inspection.findings.map((finding) => findingLine(finding, paint));
  const asWhat = `as ${roles.join(' and ')}`;
  const scope = bundles === null ? '; who issued it was not judged (give --bundle)' : '';
  const answer = inspection.accepted ? paint.green(`accepted ${asWhat}`) : paint.red(`refused ${asWhat}`);
  return `${[...certificates, ...knownLines(known), ...findings, `${answer}${scope}`].join('\n')}\n`;
}

function knownLines(known: IdentityKnowledge | null): string[] {
  if (known === null) return [];
  const row: [string, string][] = known.registry_row === null ? [] : [['registry', known.registry_row]];
  const rows = [...attributeRows(known.attributes), ...row];
  return rows.length === 0 ? [] : [...table(rows), ''];
}

/** One row, or none where nothing is known. */
function attributeRows({ labels, ...fixed }: AttributesView): [string, string][] {
  const words = [
    ...Object.entries(fixed).filter(([, value]) => value !== null),
    ...Object.entries(labels).map(([name, value]) => [`labels.${name}`, value]),
  ];
  return words.length === 0 ? [] : [['known as', words.map(([name, value]) => `${name}=${value}`).join(' ')]];
}

function certificateLines(one: CertificateView, at: number, paint: Paint): string[] {
  return [
    paint.bold(`certificate ${at + 1}${one.is_ca ? ' (CA)' : ''}`),
    ...table([
      ['subject', one.subject],
      ['issuer', one.issuer],
      ['serial', one.serial],
      ['sha-256', one.fingerprint_sha256],
      ['valid', `${one.not_before} to ${one.not_after}`],
      ['key', one.key],
      ['names', one.names.join(', ')],
    ]),
    '',
  ];
}

function findingLine({ severity, cause, message, mend }: InspectFinding, paint: Paint): string {
  const word = severity === 'error' ? paint.red('refused') : paint.yellow('warning');
  return `${word}: ${message} [${cause}]; ${mend}`;
}

function authorityLine({ subject, not_after, expired, shared_with }: AuthorityView, paint: Paint): string {
  const end = expired ? paint.red(`expired ${not_after}`) : `until ${not_after}`;
  const shared = shared_with.length === 0 ? '' : paint.yellow(`, also an authority of ${shared_with.join(', ')}`);
  return `  ${subject}, ${end}${shared}`;
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  return rows.map(([name, value]) => `  ${name.padEnd(10)}${value}`);
}
