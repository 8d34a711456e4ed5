import { describeWithStack } from '../stack.fixture.ts';
import { describeSessionStore } from './conformance.case.ts';
import { ScratchDatabase } from './networked.fixture.ts';

describeWithStack('on a server in the network', 'STACK_POSTGRES', (address) => {
  describeSessionStore('PostgreSQL', async () => {
    const scratch = await ScratchDatabase.create(address);
    return { url: scratch.url, database: scratch.pool, stop: () => scratch.drop() };
  });
});
