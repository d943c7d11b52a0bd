// Every command by name. A row loads its file only when the command is asked for, so that `postern --help` and small
// commands do not pay for the whole proxy. A new command is one file and one row here.

import type { Command } from 'commander';
import type { CliIo } from './cli-io.ts';

/** Adds one command, with its subcommands, to the program. */
export type RegisterCommand = (program: Command, io: CliIo) => void;

export interface CommandEntry {
  readonly name: string;
  /** The line in `postern --help`. */
  readonly summary: string;
  readonly load: () => Promise<RegisterCommand>;
}

/** In the order of `postern --help`. */
export const commandTable: readonly CommandEntry[] = [
  {
    name: 'run',
    summary: 'run the sidecar',
    load: async () => (await import('./run.ts')).registerRunCommand,
  },
  {
    name: 'demo',
    summary: 'run the demo',
    load: async () => (await import('./demo.ts')).registerDemoCommand,
  },
  {
    name: 'audit',
    summary: 'read and verify the journal of decisions',
    load: async () => (await import('./audit.ts')).registerAuditCommand,
  },
  {
    name: 'check',
    summary: 'validate configuration, identity files and policies without starting',
    load: async () => (await import('./check.ts')).registerCheckCommand,
  },
  {
    name: 'inventory',
    summary: 'revoke identities, certificates and tokens',
    load: async () => (await import('./inventory.ts')).registerInventoryCommand,
  },
  {
    name: 'policy',
    summary: 'lint, test, explain and evaluate policies',
    load: async () => (await import('./policy.ts')).registerPolicyCommand,
  },
  {
    name: 'identity',
    summary: 'show the own identity, or what Postern makes of a certificate or a token',
    load: async () => (await import('./identity.ts')).registerIdentityCommand,
  },
  {
    name: 'ca',
    summary: 'make a CA for demos and tests, and issue certificates from it',
    load: async () => (await import('./ca.ts')).registerCaCommand,
  },
  {
    name: 'schema',
    summary: 'print the JSON Schema of the configuration',
    load: async () => (await import('./schema.ts')).registerSchemaCommand,
  },
  {
    name: 'completion',
    summary: 'print the completion script for a shell',
    load: async () => (await import('./completion.ts')).registerCompletionCommand,
  },
];
