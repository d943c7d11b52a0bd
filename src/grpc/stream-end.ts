// How a gRPC stream ended, told apart by what its caller does about it.

/** Status codes of gRPC that Postern tells apart. */
export const grpcStatus = {
  ok: 0,
  invalidArgument: 3,
  permissionDenied: 7,
  unimplemented: 12,
  unavailable: 14,
} as const;

export type StreamEnd =
  /** The server said so; `message` is its own text and not to be trusted. */
  | { readonly kind: 'status'; readonly code: number; readonly message: string }
  /** No connection; `code` is that of the system, such as `ENOENT`. */
  | { readonly kind: 'unreachable'; readonly code: string }
  /** The connection ended without a status. */
  | { readonly kind: 'lost'; readonly code: string }
  /** What came is not gRPC. */
  | { readonly kind: 'not-grpc'; readonly what: string }
  | { readonly kind: 'too-large'; readonly bytes: number; readonly mostBytes: number };
