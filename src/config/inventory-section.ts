// `inventory`: what is known of identities beside their certificates.

import * as z from 'zod';
import { notYet } from './fields.ts';
import { filePath } from './text-fields.ts';

/** `inventory` as written and as parsed. */
export const inventorySection = z
  .strictObject({
    registry: filePath('identities.yaml')
      .optional()
      .describe(
        'Identities with owner, purpose, environment, attestation and labels: attributes for policy, over those of `identity.attributes`. Watched; in force within a second.',
      ),
    dormant_after: notYet('inventory.dormant_after').describe('Time without use after which an identity is dormant.'),
    report_to: notYet('inventory.report_to').describe('Central service that is told of identities.'),
  })
  .transform(({ registry }) => ({ registryFile: registry ?? null }))
  .describe('Registry of identities and their owners.');

/** What is known of identities. The file name is absolute once loaded. */
export type InventoryConfig = Readonly<z.output<typeof inventorySection>>;
