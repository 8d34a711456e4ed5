import { randomUUID } from 'node:crypto';
import type { WebSocketRoute } from 'playwright-core';
import { expect, it } from 'vitest';
import type { Realtime } from '../../contract/query.ts';
import type { Given } from '../dashboard.fixture.ts';
import { panel } from '../page.fixture.ts';

const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0';

/** What changes without a question. */
export function live(given: Given): void {
  async function send(type: 'page_view' | 'leave', fingerprint: string): Promise<void> {
    const answer = await fetch(`${given.footfall.collector}/e`, {
      method: 'POST',
      headers: { 'Content-Type': 'text/plain', 'User-Agent': BROWSER },
      body: JSON.stringify({ type, url: 'https://example.org/', fingerprint, event_id: randomUUID() }),
    });
    expect(answer.status).toBe(202);
  }
  const online = async () => (await given.footfall.query<Realtime>('realtime/')).count;

  it('counts who comes and who goes, and lists them', async () => {
    const before = await online();
    const page = await given.open();
    const counter = panel(page, 'Online now');
    const shown = () => counter.locator('output').textContent();
    await expect.poll(shown).toBe(String(before));
    await counter.getByText('live', { exact: true }).waitFor();

    const visitors = Array.from({ length: 3 }, () => randomUUID());
    for (const visitor of visitors) await send('page_view', visitor);
    await expect.poll(shown, { timeout: 10_000 }).toBe(String(before + 3));
    await expect.poll(() => counter.locator('li[data-type=visitor_joined]').count()).toBe(3);
    await expect.poll(() => page.title()).toBe(`${before + 3} online · Footfall`);

    for (const visitor of visitors) await send('leave', visitor);
    await expect.poll(shown, { timeout: 10_000 }).toBe(String(before));
    await expect.poll(() => counter.locator('li[data-type=visitor_left]').count()).toBe(3);
    expect(await online()).toBe(before);
  });

  it('draws how many were online in the last hour', async () => {
    const page = await given.open();
    const counter = panel(page, 'Online now');
    await counter.getByRole('img').waitFor();
    await counter.getByLabel('24 h').check();
    await expect
      .poll(() => given.requested.some((url) => url.includes('realtime/history/?minutes=1440')))
      .toBe(true);
  });

  it('says that the connection is gone, and connects again', async () => {
    const sockets: WebSocketRoute[] = [];
    const page = await given.open({
      prepare: (page) =>
        page.routeWebSocket(/dashboard/, (socket) => {
          sockets.push(socket);
          socket.connectToServer();
        }),
    });
    const counter = panel(page, 'Online now');
    await counter.getByText('live', { exact: true }).waitFor();
    await sockets[0]?.close({ code: 1001 });
    await counter.getByText('no connection, trying again…').waitFor();
    await counter.getByText('live', { exact: true }).waitFor();
    expect(sockets).toHaveLength(2);
  });
}
