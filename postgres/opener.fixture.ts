/** A process that opens a session store, says so, and holds it until it is ended. Run by the embedded server's tests. */
import { openSessions } from './open.ts';

const [url = ''] = process.argv.slice(2);
const store = await openSessions(url, { sessionTimeoutMs: 1 });
process.stdout.write('open\n');
process.stdin.resume();
process.stdin.on('end', () => store.close());
