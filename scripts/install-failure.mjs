// Says in one sentence why `npm ci` failed, and how to mend it. Plain JavaScript: runs before anything is installed.

const causes = [
  [
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|network/,
    'the package registry cannot be reached',
    'check the network, the proxy (`npm config get proxy`) and the registry (`npm config get registry`), then run it again',
  ],
  [
    /CERT_|certificate|SELF_SIGNED/,
    'the certificate of the package registry is not trusted here',
    'name your CA with `npm config set cafile FILE` or NODE_EXTRA_CA_CERTS',
  ],
  [
    /E401|E403|ENEEDAUTH/,
    'the package registry refuses access',
    'log in to it (`npm login`) or choose another registry',
  ],
  [
    /E404|ETARGET|notarget/,
    'the package registry lacks a package',
    'choose a registry that holds all of package-lock.json',
  ],
  [/ENOSPC/, 'the disk is full', 'free about 700 MB'],
  [/EACCES|EPERM|EROFS/, 'this folder cannot be written', 'make the checkout writable for you'],
  [/EUSAGE|in sync/, 'package.json and package-lock.json do not fit', 'run `npm install`, and commit the lock file'],
  [/EINTEGRITY/, 'a package is not the one that package-lock.json names', 'run `npm cache verify`, then again'],
  [
    /pinned Node/,
    'the pinned Node (npm package `node`) is not in place or does not run on this machine',
    'run `npm rebuild node --ignore-scripts=false`; its binaries need glibc (not musl) on x64 or arm64',
  ],
];

/** The text for the user: cause, mend, and the last lines that npm printed. */
export function explainInstallFailure(output) {
  const [, cause, mend] = causes.find(([pattern]) => pattern.test(output)) ?? [
    undefined,
    'npm failed',
    'the lines below are its own',
  ];
  const lines = npmLines(output);
  return `Cannot install the dependencies: ${cause}.\n  mend: ${mend}\n${lines.map((line) => `  | ${line}\n`).join('')}`;
}

/** What npm said, without its usage text, empty lines and the path of its log. */
function npmLines(output) {
  const [said] = output.split(/^npm error (?:Clean install a project|Usage:)/m);
  const lines = said.split('\n').map((line) => line.replace(/^npm (?:error|ERR!) ?/, '').trimEnd());
  return lines.filter((line) => !/^(?:$|A complete log| +at )/.test(line)).slice(0, 15);
}
