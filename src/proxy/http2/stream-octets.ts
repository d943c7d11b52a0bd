// What a tunnel writes to a peer of HTTP/2: data of its stream.

import type { Http2Stream } from '../../wire/http2/http2-stream.ts';
import type { OctetSink } from '../peer-octets.ts';

const noBytes = Buffer.alloc(0);

export class StreamOctets implements OctetSink {
  readonly #to: { readonly stream: Http2Stream; readonly isPeerBusy: boolean };

  constructor(to: { readonly stream: Http2Stream; readonly isPeerBusy: boolean }) {
    this.#to = to;
  }

  writeText(text: string): boolean {
    return this.#write(Buffer.from(text, 'latin1'));
  }

  writeView(before: string, view: Buffer, after: string): boolean {
    if (before !== '') this.writeText(before);
    const more = this.#write(view);
    return after === '' ? more : this.writeText(after);
  }

  end(): void {
    this.#to.stream.sendData(noBytes, true);
  }

  #write(bytes: Buffer): boolean {
    return this.#to.stream.sendData(bytes, false) && !this.#to.isPeerBusy;
  }
}
