// What federation is told: the bundle endpoints of further trust domains, and how the own one is served.

import type { SocketAddress } from '../lib/socket-address.ts';

/** Who answers at a bundle endpoint is known by its web certificate, or by its SPIFFE ID (SPIFFE Federation §5.2). */
export type EndpointProfile =
  | { readonly kind: 'https_web' /** PEM file of CAs in place of the public ones. */; readonly caFile: string | null }
  | { readonly kind: 'https_spiffe'; readonly spiffeId: string };

/** The bundle endpoint of one trust domain. */
export interface BundleEndpoint {
  readonly trustDomain: string;
  readonly url: string;
  readonly profile: EndpointProfile;
  /** Time between two fetches, milliseconds; null: as the bundle hints. */
  readonly refreshMs: number | null;
  /** True where a file gives the bundle until the first fetch. */
  readonly hasFile: boolean;
}

/** How the own bundle is served. */
export interface BundleServerOptions {
  readonly listen: SocketAddress;
  readonly profile:
    | { readonly kind: 'https_spiffe' }
    | { readonly kind: 'https_web'; readonly certFile: string; readonly keyFile: string };
  /** `spiffe_refresh_hint`, milliseconds. */
  readonly refreshHintMs: number;
}
