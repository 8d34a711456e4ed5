import { expect, it } from 'vitest';
import { describeInBrowser } from './test-browser.ts';

describeInBrowser('transport', (visitor) => {
  it('repeats a refused page view with the same event_id after the time the collector asks for', async () => {
    visitor.site.refusals.push({ status: 503, headers: { 'Retry-After': '120' } });
    await visitor.page.clock.install();
    await visitor.page.goto(`${visitor.site.origin}/first`);
    await visitor.beacons('page_view', 1);
    await visitor.answered();
    await visitor.page.evaluate("footfall.identify('user-1')");
    await visitor.page.clock.runFor(60_000);
    await visitor.answered();
    expect(visitor.site.received).toHaveLength(1);
    await visitor.page.clock.runFor(61_000);
    const [first, again] = await visitor.beacons('page_view', 2);
    expect(again).toEqual(first);
    expect(await visitor.beacons('identify', 1)).toMatchObject([{ user_id: 'user-1' }]);
  });

  it('gives a page view up after eight attempts', async () => {
    visitor.site.attributes = 'data-heartbeat-seconds="0"';
    visitor.site.refusals.push(...Array.from({ length: 20 }, () => ({ status: 503 })));
    await visitor.page.clock.install();
    await visitor.page.goto(`${visitor.site.origin}/first`);
    await visitor.beacons('page_view', 1);
    for (let minutes = 0; minutes < 6; minutes += 1 / 6) {
      await visitor.answered();
      await visitor.page.clock.runFor(10_000);
    }
    await visitor.answered();
    expect(visitor.site.of('page_view')).toHaveLength(8);
  });

  it('repeats when the collector could not be reached', async () => {
    let cut = 0;
    await visitor.page.route(`${visitor.site.collector}/e`, (route) =>
      cut++ === 0 ? route.abort() : route.continue(),
    );
    await visitor.page.goto(`${visitor.site.origin}/first`);
    await visitor.beacons('page_view', 1);
    expect(cut).toBeGreaterThanOrEqual(2);
  });

  it('sends what still waits with the leave', async () => {
    visitor.site.refusals.push({ status: 503, headers: { 'Retry-After': '600' } });
    await visitor.page.goto(`${visitor.site.origin}/first`);
    await visitor.beacons('page_view', 1);
    await visitor.answered();
    await visitor.page.evaluate("footfall.identify('user-1')");
    await visitor.page.goto('about:blank');
    await visitor.beacons('leave', 1);
    // The browser may send the leave of a page that was closed before only now.
    const tab = visitor.site.of('page_view')[0]?.session_id;
    const own = visitor.site.received.filter(({ beacon }) => beacon.session_id === tab);
    expect(own.map(({ beacon }) => beacon.type)).toEqual(['page_view', 'page_view', 'identify', 'leave']);
    expect(visitor.site.of('page_view')[1]).toEqual(visitor.site.of('page_view')[0]);
  });

  it('does not repeat what the collector calls wrong, and tells the site why', async () => {
    visitor.site.refusals.push({ status: 400 });
    const warning = visitor.page.waitForEvent('console', (message) =>
      message.text().startsWith('footfall: 400'),
    );
    await visitor.page.goto(`${visitor.site.origin}/first`);
    await warning;
    expect(await visitor.views()).toHaveLength(1);
  });
});
