// How a receiver of the torture test may be.

/**
 * `slow`: a record a second; `silent`: takes what comes and never answers; `busy`: asks to come again; `failing`: says 500; `picky`: refuses
 * every ninth record for its content; `breaking`: breaks off in the middle.
 */
export const moods = ['good', 'slow', 'silent', 'busy', 'failing', 'picky', 'breaking'] as const;
export type Mood = (typeof moods)[number];
