// Builds nested JSON out of dotted targets.

import { objectOf } from '../service-parse.ts';

type Members = Record<string, unknown>;

/** A dotted place, taken apart once. */
export interface Target {
  readonly name: string;
  readonly segments: readonly string[];
  /** True where the value is added to a list. */
  readonly isAdded: boolean;
}

/** Takes a place apart: `a.b`, `list.0.name`, or `list[]` for what is added to a list. */
export function parseTarget(name: string): Target {
  const isAdded = name.endsWith('[]');
  const segments = (isAdded ? name.slice(0, -2) : name).split('.');
  return Object.freeze({ name, segments, isAdded });
}

/** Sets a value at its place. */
export function putAt(root: Members, target: Target, value: unknown): void {
  const { segments, isAdded } = target;
  const last = segments.length - 1;
  let place: Members = root;
  for (let index = 0; index < last; index += 1) {
    const name = segments[index]!;
    place[name] ??= segments[index + 1] === '0' ? [] : {};
    place = place[name] as Members;
  }
  const name = segments[last]!;
  if (!isAdded) {
    place[name] = value;
    return;
  }
  const list = (place[name] ?? []) as unknown[];
  if (!list.includes(value)) list.push(value);
  place[name] = list;
}

/** The object at a member, made where there is none. */
export function memberObject(root: Members, name: string): Members {
  const made = objectOf(root[name]) ?? {};
  root[name] = made;
  return made;
}

/** Moves a member of `root` into the member `into`, beside what is there; does nothing where it is not there. */
export function moveInto(root: Members, name: string, into: string): void {
  if (root[name] === undefined) return;
  const target = (root[into] ?? {}) as Members;
  const [there, moved] = [target[name], root[name]];
  target[name] =
    objectOf(there) !== null && objectOf(moved) !== null ? { ...objectOf(there), ...objectOf(moved) } : moved;
  root[into] = target;
  // Not deleted: an object that lost a member is slow. JSON leaves it out.
  root[name] = undefined;
}
