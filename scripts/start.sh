#!/bin/sh
# `npm start`: installs where needed, then runs Postern; without arguments, the demo.
node scripts/bootstrap.mjs || exit $?
[ $# -gt 0 ] || set -- demo
exec ./node_modules/.bin/node bin/postern "$@"
