// What can be done to a running sidecar. Everything here is also possible with a signal or a file; nothing weakens it.

import { type AdminAnswer, type AdminRoute, json, problem } from './admin-http.ts';
import type { AdminControls } from './views.ts';

export function controlRoutes(controls: AdminControls): readonly AdminRoute[] {
  return [
    control('/reload', 'read configuration, policies and identity again', async () =>
      json(200, await controls.reload()),
    ),
    control('/drain', 'not ready any more; ends as on SIGTERM, when connections have gone', () => {
      controls.drain();
      return json(202, { status: 'draining' });
    }),
    control('/quit', 'ends at once', () => ({
      ...json(202, { status: 'ending' }),
      // After the answer: the caller wants to know that it was heard.
      afterwards: () => controls.quit(),
    })),
    control('/log-level', '{"level": "debug" | "info" | "warn" | "error"}', (body) => setLogLevel(controls, body)),
  ];
}

function control(path: string, about: string, act: (body: unknown) => AdminAnswer | Promise<AdminAnswer>): AdminRoute {
  return { method: 'POST', path, group: 'controls', about, handle: ({ body }) => act(body) };
}

function setLogLevel(controls: AdminControls, body: unknown): AdminAnswer {
  const level = typeof body === 'object' && body !== null ? (body as { level?: unknown }).level : undefined;
  if (typeof level !== 'string') return problem(400, 'send {"level": "debug" | "info" | "warn" | "error"}');
  const before = controls.logLevel();
  try {
    controls.setLogLevel(level);
  } catch {
    return problem(400, 'level is debug, info, warn or error');
  }
  return json(200, { level, before });
}
