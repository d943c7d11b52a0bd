// The configuration as the rest of Postern sees it: parsed, checked, frozen, with absolute file names and units in names.

import type { InboundOptions } from '../proxy/inbound-options.ts';
import type { OutboundOptions } from '../proxy/outbound-options.ts';
import type { AdminConfig, ShutdownConfig } from './admin-section.ts';
import type { AuditConfig } from './audit-section.ts';
import type { IdentityConfig } from './identity-section.ts';
import type { InventoryConfig } from './inventory-section.ts';
import type { PolicyConfig } from './policy-section.ts';

/** One whole configuration. Deeply frozen. */
export interface PosternConfig {
  /** Absolute name of the file it came from. */
  readonly file: string;
  readonly identity: IdentityConfig;
  readonly inbound: readonly InboundOptions[];
  readonly outbound: readonly OutboundOptions[];
  readonly policy: PolicyConfig;
  readonly audit: AuditConfig;
  readonly inventory: InventoryConfig;
  readonly admin: AdminConfig;
  readonly shutdown: ShutdownConfig;
  /** Processes that serve; `auto` is one for each core. */
  readonly workers: number | 'auto';
  /** What came out of `${VARIABLE}`s: never shown. */
  readonly secrets: ReadonlySet<string>;
  /**
   * Files and folders whose change calls for a reload: this file, policies and candidates. Identity files, revocations and
   * the registry are not among them: their sources watch them themselves.
   */
  readonly watchedPaths: readonly string[];
}
