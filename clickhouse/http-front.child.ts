/** A {@link HttpFront} as a process of its own. Arguments: directory, port (0: any), options as JSON. */
import { HttpFront, type SeenRequest, type Strike } from './http-front.fixture.ts';

/** Each order is answered with what it asks for, when it is done. */
export type FrontOrder =
  | { order: 'strike'; strikes: Strike[] }
  | { order: 'refuse' | 'listen' | 'seen' | 'close' };
export interface FrontNews {
  port?: number;
  seen?: SeenRequest[];
}

const [directory = '', port = '0', options = '{}'] = process.argv.slice(2);
const front = new HttpFront(directory, JSON.parse(options));
const tell = (news: FrontNews) => process.send?.(news);

process.on('message', (message) => void obey(message as FrontOrder));
process.on('disconnect', () => process.exit());
tell({ port: await front.listen(Number(port)) });

async function obey(command: FrontOrder): Promise<void> {
  switch (command.order) {
    case 'strike':
      front.strike(...command.strikes);
      tell({});
      break;
    case 'refuse':
      await front.refuse();
      tell({});
      break;
    case 'listen':
      tell({ port: await front.listen() });
      break;
    case 'seen':
      tell({ seen: front.seen });
      break;
    case 'close':
      await front.close();
      process.disconnect();
  }
}
