/** For tests: a process that answers each folder that it is sent with the secret it read there, or why it could not. */
import { readSecrets } from './secrets.ts';

process.on('message', (dataDir: string) => {
  try {
    process.send?.(readSecrets({ dataDir, jwtSecret: '', fingerprintSecret: '' }).jwtSecret);
  } catch (error) {
    process.send?.(String(error));
  }
});
process.send?.('ready');
