// The small tree with positions that a YAML text is read into.

import type { SourcePosition } from './source-position.ts';

export interface YamlMap {
  readonly kind: 'map';
  readonly entries: readonly YamlEntry[];
  readonly position: SourcePosition;
}

export interface YamlEntry {
  readonly key: string;
  readonly keyPosition: SourcePosition;
  readonly value: YamlNode;
}

export interface YamlList {
  readonly kind: 'list';
  readonly items: readonly YamlNode[];
  readonly position: SourcePosition;
}

export interface YamlScalar {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** As written in the file, without quotes. */
  readonly source: string;
  /** Written without quotes on one line: an offset in the value is an offset in the line. */
  readonly plain: boolean;
  /** A comment follows on the same line, so YAML may have cut a value at ` #`. */
  readonly commented: boolean;
  readonly position: SourcePosition;
}

export type YamlNode = YamlMap | YamlList | YamlScalar;

/** A fault in the text; `mend` says what to write instead. */
export interface YamlFault {
  readonly message: string;
  readonly mend: string | null;
  readonly position: SourcePosition;
}

/** What a text holds: the roots of its documents, and what is wrong with it. */
export interface YamlReading {
  readonly roots: readonly YamlNode[];
  readonly faults: readonly YamlFault[];
}
