// How a fault that ends a command is told: coded ones in one line (and one for each finding), a defect as ERR_INTERNAL
// with its stack only under --debug.

import { errorCatalog, isPosternError, PosternError } from '../errors.ts';
import { formatFinding, formatPosition } from '../lib/finding.ts';
import { printable } from '../lib/printable-text.ts';
import type { ExitCode } from './exit-codes.ts';

/** Lines for stderr, without colour, and what to exit with. */
export interface ErrorReport {
  readonly text: string;
  readonly exitCode: ExitCode;
}

/** Describes any thrown value. */
export function reportError(error: unknown, debug: boolean): ErrorReport {
  const coded = isPosternError(error) ? error : internalError(error);
  const place = coded.position === undefined ? '' : `${formatPosition(coded.position)}: `;
  const lines =
    coded.findings.length > 0
      ? [...coded.findings.map(formatFinding), `postern: ${coded.message} [${coded.code}]`]
      : [printable(`postern: ${place}${coded.message} [${coded.code}]; ${coded.mend}`)];
  if (debug && error instanceof Error) lines.push(stackOf(error));
  return { text: `${lines.join('\n')}\n`, exitCode: errorCatalog[coded.code].exit };
}

function internalError(error: unknown): PosternError {
  const message = error instanceof Error ? error.message : String(error);
  return new PosternError('ERR_INTERNAL', oneLine(message) || 'no message', {
    cause: error,
    mend: 'run it again with --debug and report the stack',
  });
}

function stackOf(error: Error): string {
  const own = error.stack ?? String(error);
  return error.cause instanceof Error ? `${own}\ncaused by: ${stackOf(error.cause)}` : own;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, 500);
}
