// What the thread that ships does, for all sinks of a sidecar: it encodes and sends behind the journal, so that nothing
// of it takes the time of a request.

import type { MessagePort } from 'node:worker_threads';
import { RunningSink } from './running-sink.ts';
import type { FromShipping, ShipOrder, ToShipping } from './ship-messages.ts';
import { openReceiver } from './sink-receivers.ts';

/** Resolves when every sink has delivered what there is, after `finish`; rejects by a defect, which ends the thread. */
export async function shipInThread(order: ShipOrder, port: MessagePort): Promise<void> {
  let { identity } = order;
  const say = (message: FromShipping): void => port.postMessage(message);
  const parts = {
    dir: order.dir,
    open: (sink: ShipOrder['sinks'][number]) => openReceiver(sink, () => identity),
    onTrouble: (sink: string, why: string) => say({ kind: 'trouble', sink, why }),
  };
  const sinks = order.sinks.map((sink) => new RunningSink(sink, parts));
  const report = async (): Promise<void> =>
    say({ kind: 'figures', sinks: await Promise.all(sinks.map((sink) => sink.figures())) });
  port.on('message', (message: ToShipping) => {
    switch (message.kind) {
      case 'identity':
        identity = message.identity;
        for (const sink of sinks) sink.renew();
        return;
      case 'finish':
        for (const sink of sinks) sink.finish();
        return;
      case 'figures':
        void report();
    }
  });
  await Promise.all(sinks.map((sink) => sink.run()));
  await report();
  port.close();
}
