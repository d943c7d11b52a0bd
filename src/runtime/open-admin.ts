// The admin listeners that a configuration names: the API, and the address for probes where there is one.

import { adminDefaults } from '../admin/admin-options.ts';
import { type AdminParts, type AdminServer, openAdminServer } from '../admin/admin-server.ts';
import type { AdminConfig } from '../config/admin-section.ts';

/** Both closed as one; the address is that of the API. @throws PosternError ERR_LISTEN */
export async function openAdminListeners({ listen, probes }: AdminConfig, parts: AdminParts): Promise<AdminServer> {
  const full = await openAdminServer({ ...adminDefaults, listen }, parts);
  if (probes === undefined) return full;
  try {
    const health = await openAdminServer({ ...adminDefaults, listen: probes, surface: 'probes' }, parts);
    return { address: full.address, close: async () => void (await Promise.all([full.close(), health.close()])) };
  } catch (error) {
    await full.close();
    throw error;
  }
}
