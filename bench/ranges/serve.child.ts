/** `serve.child.ts FOLDER SETTING`: serves a filled store, and sends the address and a token, until its parent lets go of it. */
import { once } from 'node:events';
import { READER_SETTINGS } from '../../clickhouse/settings.ts';
import { serve } from './api.ts';
import { open, type Setting } from './setting.ts';

const [, , folder = '', text = ''] = process.argv;
const setting: Setting = JSON.parse(text);
const opened = await open(folder, setting, READER_SETTINGS);
const served = await serve(opened.store, setting);
if (process.connected) {
  process.send?.({ url: served.url, token: served.token });
  await once(process, 'disconnect');
}
await served.close();
await opened.close();
