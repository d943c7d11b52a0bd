// An address to listen on or to connect to.

export type SocketAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** The written form: `127.0.0.1:8080`, `[::1]:8080`, `unix:/run/app.sock`. */
export function formatAddress(address: SocketAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}
