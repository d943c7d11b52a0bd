// The paths that the admin API answers itself, whatever the workload has there; a test holds them against its routes.

const exact: ReadonlySet<string> = new Set([
  '/',
  '/config',
  '/decisions',
  '/drain',
  '/identity',
  '/livez',
  '/log-level',
  '/metrics',
  '/policy',
  '/policy/explain',
  '/quit',
  '/readyz',
  '/reload',
  '/startupz',
]);

/** True for a path, without query, that is the admin API's own: it cannot be passed on to the workload. */
export function isOwnPath(path: string): boolean {
  return exact.has(path) || /^\/decisions\/[^/]+$/.test(path);
}
