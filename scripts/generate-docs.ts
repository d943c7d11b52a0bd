// `npm run docs` writes the generated parts of docs/; with `--check` it writes nothing and fails where one is stale.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { recordFieldsMarkdown } from '../src/audit/record-docs.ts';
import { lintRulesMarkdown } from '../src/authz/lint/lint-docs.ts';
import { metricsMarkdown } from '../src/telemetry/metrics-docs.ts';
import { cliMarkdown } from './docs/cli-docs.ts';
import { configurationMarkdown } from './docs/configuration-docs.ts';
import { elasticTemplate } from './docs/elastic-template.ts';
import { errorsMarkdown } from './docs/errors-docs.ts';
import { newPage, withSection } from './docs/generated-section.ts';
import { limboMarkdown } from './docs/limbo-docs.ts';
import { recordTargetsMarkdown } from './docs/record-targets-docs.ts';
import { sigmaPipelineYaml } from './docs/sigma-pipeline.ts';
import { strictnessMarkdown } from './docs/strictness-docs.ts';
import { tokenRefusalsMarkdown } from './docs/token-refusals-docs.ts';

interface GeneratedSection {
  readonly page: string;
  /** Title of the page where it has to be made first. */
  readonly title: string;
  /** Null where the whole file is generated. */
  readonly name: string | null;
  readonly body: string;
}

/** Every generated section, as it should be. */
async function generatedSections(): Promise<readonly GeneratedSection[]> {
  return [
    { page: 'docs/configuration.md', title: 'Configuration', name: 'keys', body: configurationMarkdown() },
    { page: 'docs/cli.md', title: 'Command line', name: 'commands', body: await cliMarkdown() },
    { page: 'docs/errors.md', title: 'Error codes', name: 'codes', body: errorsMarkdown() },
    { page: 'docs/identity.md', title: 'Identity', name: 'token-refusals', body: tokenRefusalsMarkdown() },
    { page: 'docs/policy-lint.md', title: 'Policy lint', name: 'rules', body: lintRulesMarkdown() },
    { page: 'docs/metrics.md', title: 'Metrics', name: 'metrics', body: metricsMarkdown() },
    { page: 'docs/strictness.md', title: 'The strictness table', name: 'cases', body: strictnessMarkdown() },
    { page: 'docs/x509-limbo.md', title: 'Judged by x509-limbo', name: 'verdicts', body: limboMarkdown() },
    { page: 'docs/decision-records.md', title: 'Decision records', name: 'fields', body: recordFieldsMarkdown() },
    { page: 'docs/records.md', title: 'Encodings', name: 'targets', body: recordTargetsMarkdown() },
    { page: 'deploy/siem/sigma/pipelines/postern_ecs.yml', title: '', name: null, body: sigmaPipelineYaml() },
    { page: 'deploy/siem/elastic/index-template.json', title: '', name: null, body: elasticTemplate() },
  ];
}

/** The page with the section as it should be; throws where the page lost its marks. */
function renderPage(root: string, section: GeneratedSection): { readonly before: string; readonly after: string } {
  const file = join(root, section.page);
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (section.name === null) return { before, after: section.body };
  const page = before === '' ? newPage(section.title, section.name) : before;
  const after = withSection(page, section.name, section.body);
  if (after === null) throw new Error(`${section.page} has no marks of the generated section \`${section.name}\``);
  return { before, after };
}

const isCheck = process.argv.includes('--check');
const root = join(import.meta.dirname, '..');
for (const section of await generatedSections()) {
  const { before, after } = renderPage(root, section);
  if (before === after) continue;
  if (isCheck) {
    process.stderr.write(
      `${section.page}: the generated ${section.name === null ? 'file' : `section \`${section.name}\``} is stale; run \`npm run docs\`\n`,
    );
    process.exitCode = 1;
  } else {
    writeFileSync(join(root, section.page), after);
    process.stdout.write(`${section.page}: written\n`);
  }
}
