// How far sinks have come, for whoever removes old segments. Without this module's answer nothing that a sink needs goes.

import { join } from 'node:path';
import type { JournalCursor } from '../audit/retention.ts';
import { readPlaces } from '../audit/sinks/ship-cursor.ts';
import { isTaken } from '../audit/sinks/sink-lag.ts';
import type { SinkOptions } from '../audit/sinks/sink-options.ts';

/** How far each sink has come, of the files where that stands: other processes may be the ones that ship. */
export function sinkCursors(dir: string, sinks: readonly SinkOptions[]): () => Promise<readonly JournalCursor[]> {
  const cursorOf = async ({ name }: SinkOptions): Promise<JournalCursor> => {
    const places = await readPlaces(join(dir, 'cursors', `${name}.json`)).catch(() => null);
    return (segment) => places !== null && isTaken(segment, places.get(segment.streamId));
  };
  return () => Promise.all(sinks.map(cursorOf));
}
