/** The least that a server can do with a beacon: uWebSockets.js reads it, parses it and says 202. */
import uws, { listen } from '../../ingest/uws.ts';

const app = uws
  .App()
  .get('/readyz', (res) => {
    res.end();
  })
  .post('/e', (res) => {
    const chunks: Buffer[] = [];
    res.onAborted(() => {});
    res.onData((chunk, isLast) => {
      chunks.push(Buffer.from(Buffer.from(chunk)));
      if (!isLast) return;
      JSON.parse(Buffer.concat(chunks).toString());
      res.cork(() => res.writeStatus('202 Accepted').end());
    });
  });
await listen(app, '127.0.0.1', Number(process.env.INGEST_PORT));
process.once('SIGTERM', () => process.exit());
