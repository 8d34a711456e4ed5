/**
 * Keeps idle connections of kafkajs 2.2.4 idle.
 *
 * After its first answer each connection looks every millisecond whether requests wait to be sent, also when none
 * does: 8,600 timers a second with a subscription on three brokers. There is no setting against it, and the project
 * takes no fixes any more. Requests that wait are looked after as before.
 */
import { createRequire } from 'node:module';

interface RequestQueue {
  pending: unknown[];
  scheduleCheckPendingRequests(): void;
}

const require = createRequire(import.meta.url);
let calm = false;

export function calmIdleConnections(): void {
  if (calm) return;
  calm = true;
  const { prototype }: { prototype: RequestQueue } = require('kafkajs/src/network/requestQueue/index.js');
  const schedule = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function scheduleWhenSomeWait(this: RequestQueue) {
    // What comes to wait later schedules itself.
    if (this.pending.length > 0) schedule.call(this);
  };
}
