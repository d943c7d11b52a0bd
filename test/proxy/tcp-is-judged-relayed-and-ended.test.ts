// Everything about connections that nobody reads, and about who may come in without TLS or through a load balancer. In one
// process: each of these files starts real sidecars, and to load one takes longer than its tests.

import './tcp-cases/plain-callers-are-let-in-only-where-permitted.ts';
import './tcp-cases/proxy-headers-are-those-of-haproxy-and-nginx.ts';
import './tcp-cases/proxy-headers-pass-on-who-comes-from-where.ts';
import './tcp-cases/tcp-listeners-begin-and-end-in-order.ts';
import './tcp-cases/tcp-passes-as-it-comes.ts';
import './tcp-cases/tcp-rights-end-with-their-reason.ts';
import './tcp-cases/unix-sockets-stand-in-for-ports.ts';
import './tcp-cases/what-ends-with-time-is-waited-for-at-once.ts';
