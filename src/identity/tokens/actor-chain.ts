// Who acts for whom (RFC 8693 §4.1): the subject of a token is on whose behalf, `act` who acts, and an `act` within it who
// asked that one before. Both names count: an agent is never taken for the user it acts for.

import { type Claims, claimOf } from './compact-token.ts';

/** Longest chain. */
const mostActors = 8;
/** Longest name, characters. */
const longestName = 256;

/** Subjects of the actors, who acts now first; empty where nobody acts for another; null where it is no such chain. */
export function actorsOf(claims: Claims): readonly string[] | null {
  const actors: string[] = [];
  let act = claimOf(claims, 'act');
  while (act !== undefined) {
    if (typeof act !== 'object' || act === null || Array.isArray(act)) return null;
    const name = claimOf(act as Claims, 'sub');
    if (typeof name !== 'string' || name === '' || name.length > longestName || /\p{C}/u.test(name)) return null;
    actors.push(name);
    if (actors.length > mostActors) return null;
    act = claimOf(act as Claims, 'act');
  }
  return Object.freeze(actors);
}
