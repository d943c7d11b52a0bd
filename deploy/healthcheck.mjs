// Asks the admin API of a running Postern, and ends with 0 if the answer is 200. For probes in an image without shell:
//   node healthcheck.mjs unix:/run/postern/admin.sock /readyz
//   node healthcheck.mjs 127.0.0.1:9901 /livez

import { get } from 'node:http';
import process from 'node:process';

const [address = 'unix:/run/postern/admin.sock', path = '/readyz'] = process.argv.slice(2);
const separator = address.lastIndexOf(':');
const target = address.startsWith('unix:')
  ? { socketPath: address.slice('unix:'.length) }
  : { host: address.slice(0, separator).replace(/^\[|\]$/g, ''), port: Number(address.slice(separator + 1)) };

function end(fault) {
  if (fault !== undefined) process.stderr.write(`${address}${path}: ${fault}\n`);
  process.exit(fault === undefined ? 0 : 1);
}

const request = get({ ...target, path, headers: { host: 'localhost' }, timeout: 2500 }, (response) => {
  let body = '';
  response.setEncoding('utf8').on('data', (text) => {
    body = (body + text).slice(0, 500);
  });
  response.on('end', () => end(response.statusCode === 200 ? undefined : `${response.statusCode} ${body.trim()}`));
});
request.on('timeout', () => end('no answer in time'));
request.on('error', (error) => end(error.message));
