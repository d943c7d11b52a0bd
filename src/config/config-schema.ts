// The whole configuration: its sections in the order of the file. JSON Schema and docs/configuration.md are made from it.

import * as z from 'zod';
import { adminSection, shutdownSection, workersField } from './admin-section.ts';
import { auditSection } from './audit-section.ts';
import { count } from './fields.ts';
import { identitySection } from './identity-section.ts';
import { inboundSection } from './inbound-section.ts';
import { inventorySection } from './inventory-section.ts';
import { outboundSection } from './outbound-section.ts';
import { policySection } from './policy-section.ts';

/** Each top-level key. */
export const configSections = {
  version: count(1, 1).describe('Version of this format.'),
  identity: identitySection,
  inbound: inboundSection.prefault([]),
  outbound: outboundSection.prefault([]),
  policy: policySection,
  audit: auditSection.prefault({}),
  inventory: inventorySection.prefault({}),
  admin: adminSection.prefault({}),
  shutdown: shutdownSection.prefault({}),
  workers: workersField,
} as const;

/** The root of the configuration. */
export const configSchema = z.strictObject(configSections).describe('Configuration of Postern.');

export type ParsedConfig = z.output<typeof configSchema>;
