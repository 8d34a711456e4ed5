import { expect, it } from 'vitest';
import type { Given } from '../dashboard.fixture.ts';

/** Who may see the numbers sees them; everybody else is told what to do. */
export function access(given: Given): void {
  it('asks for a token where there is none, and takes one', async () => {
    const page = await given.open({ token: undefined });
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.getByLabel('Token').fill('nonsense');
    await page.getByRole('button', { name: 'Show the numbers' }).click();
    await page.getByRole('heading', { name: 'That is no token' }).waitFor();
    expect(given.requested.filter((url) => url.includes('/api/'))).toEqual([]);

    await page.getByLabel('Token').fill(await given.token());
    await page.getByRole('button', { name: 'Show the numbers' }).click();
    await page.getByRole('region', { name: 'At a glance' }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });

  it('keeps the token of a link for this tab, and puts it into no address', async () => {
    const token = await given.token();
    const page = await given.open({ token });
    await page.getByRole('region', { name: 'At a glance' }).waitFor();
    expect(page.url()).toBe(`${given.footfall.api}/`);
    await expect.poll(() => given.requested.some((url) => url.startsWith('ws:'))).toBe(true);
    await page.reload();
    await page.getByRole('region', { name: 'At a glance' }).waitFor();
    expect(given.requested.map((url) => url.replace(/#.*/, '')).filter((url) => url.includes(token))).toEqual(
      [],
    );
    const elsewhere = await page.context().newPage();
    await elsewhere.goto(given.footfall.api);
    await elsewhere.getByRole('heading', { name: 'Sign in' }).waitFor();
  });

  it('says that a token has expired before it is used, and goes on where one was with a new one', async () => {
    const page = await given.open({
      token: await given.token({ staff: true, expiresIn: -3_600 }),
      path: '?range=7d',
    });
    await page.getByRole('heading', { name: 'Your token has expired' }).waitFor();
    expect(given.requested.filter((url) => url.includes('/api/'))).toEqual([]);
    await page.getByLabel('Token').fill(await given.token());
    await page.getByRole('button', { name: 'Show the numbers' }).click();
    await page.getByRole('region', { name: 'At a glance' }).waitFor();
    expect(await page.getByLabel('7 days', { exact: true }).isChecked()).toBe(true);
  });

  it('says so when a token expires while the page is open', async () => {
    const page = await given.open({ prepare: (page) => page.clock.install() });
    await page.getByRole('region', { name: 'At a glance' }).waitFor();
    await page.clock.fastForward(3_600_000);
    await page.getByRole('heading', { name: 'Your token has expired' }).waitFor();
  });

  it('says so when the socket is closed because the token has expired', async () => {
    const page = await given.open({
      prepare: (page) =>
        page.routeWebSocket(/dashboard/, (socket) => {
          socket.close({ code: 4401 });
        }),
    });
    await page.getByRole('heading', { name: 'Your token has expired' }).waitFor();
  });

  it('says so when the API refuses a token', async () => {
    given.expectErrors(/401/);
    const [head, , signature] = (await given.token()).split('.');
    const claims = { is_staff: true, exp: Math.floor(Date.now() / 1_000) + 600 };
    const forged = [head, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
    const page = await given.open({ token: forged });
    await page.getByRole('heading', { name: 'Your token was not accepted' }).waitFor();
  });

  it('sends whoever is neither staff nor a moderator to /unauthorized', async () => {
    const page = await given.open({ token: await given.token({}) });
    await page.getByText('nor is_moderator').waitFor();
    expect(page.url()).toBe(`${given.footfall.api}/unauthorized`);
    expect(given.requested.filter((url) => url.includes('/api/'))).toEqual([]);
    await page.reload();
    await page.getByText('nor is_moderator').waitFor();
    await page.getByRole('button', { name: 'Use another token' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(page.url()).toBe(`${given.footfall.api}/`);
  });

  it('shows a moderator everything but the pipeline, which is for staff', async () => {
    const page = await given.open({ token: await given.token({ moderator: true }) });
    await page.getByRole('region', { name: 'At a glance' }).waitFor();
    await page.getByText('Online now').waitFor();
    expect(await page.getByRole('complementary', { name: 'Health' }).count()).toBe(0);
    expect(given.requested.filter((url) => url.includes('pipeline'))).toEqual([]);
  });
}
