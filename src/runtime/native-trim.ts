// Memory that C code has freed. OpenSSL's state of a thousand connections leaves glibc with 60 MB in small pieces, which it
// keeps: it returns only what is free at the end of its heap, unless it is asked by `malloc_trim`.

import process from 'node:process';

/**
 * What returns free memory of the C library to the system, some milliseconds of work for each ten megabytes. Does nothing
 * where that library is not glibc, or where Node offers no calls of C functions (`node:ffi`).
 */
export function openNativeTrim(): () => void {
  try {
    const ffi = process.getBuiltinModule('node:ffi');
    const { functions } = ffi.dlopen(null, { malloc_trim: { arguments: ['uint64'], return: 'int32' } });
    return () => void functions.malloc_trim(0n);
  } catch {
    return () => {};
  }
}
