import { describeSessionStore } from './conformance.case.ts';
import { lookInto, ScratchFolder } from './embedded.fixture.ts';

describeSessionStore('embedded PostgreSQL', async () => {
  const folder = await ScratchFolder.make();
  const { database, close } = await lookInto(folder.path);
  return {
    url: folder.url,
    database,
    stop: async () => {
      await close();
      await folder.closeAll();
      await folder.remove();
    },
  };
});
