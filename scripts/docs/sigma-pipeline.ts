// deploy/siem/sigma/pipelines/postern_ecs.yml: what the fields that Sigma rules name are called in records as ECS, of the
// table that drives the encoder.

import { targetsOf } from '../../src/audit/encode/field-tree.ts';
import { recordFields } from '../../src/audit/record-fields.ts';

/** A processing pipeline of pySigma. */
export function sigmaPipelineYaml(): string {
  const paths = new Set(Object.values(recordFields).flatMap((fields) => fields.map(({ path }) => path)));
  const rows = [...paths]
    .filter((path) => !path.includes('[]') && targetsOf(path, 'ecs')[0] !== undefined)
    .map((path) => `      ${path}: ${JSON.stringify(targetsOf(path, 'ecs')[0])}`);
  return `# Generated of the table of fields; npm run docs. For records as ECS: sigma convert -p postern_ecs.yml ...
name: Postern records as Elastic ECS
priority: 20
transformations:
  - id: postern_ecs_fields
    type: field_name_mapping
    mapping:
${rows.join('\n')}
    rule_conditions:
      - type: logsource
        product: postern
        service: authz
`;
}
