/** Every script against an installation of its own, by the stand-in for k6. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { seeded } from '../../integrity/random.ts';
import { ENDPOINTS } from '../../query-api/routes.ts';
import { allLooks, QUESTION_NAMES } from './looks.ts';
import { ownInstallation, type Target } from './runner/target.ts';
import { SCRIPTS, type ScriptName } from './scripts.ts';
import { refusing } from './stand-in/refusing.fixture.ts';
import type { Ran, ScriptModule } from './stand-in/run.fixture.ts';

const NAMES = Object.keys(SCRIPTS) as ScriptName[];
const NOBODY = 'http://127.0.0.1:1';
const COMMUNITY = '2235c54b-788a-5af8-85f4-e569e620744f';
const DIVISION = '9634133d-5f57-5569-900b-cb432bec1ca9';
let target: Target;

beforeAll(async () => {
  target = await ownInstallation({ historyDays: 0, watchers: 6, say: () => {} });
});
afterAll(() => target.close());

async function run(name: ScriptName, iterations: number, environment = {}): Promise<Ran> {
  const settings = { DURATION: '3s', WATCHERS: '6', RATE: '10', REPORT_DIR: '/reports' };
  Object.assign(globalThis, { __ENV: { ...target.environment, ...settings, ...environment } });
  // With metrics of its own, and no visits that another run has begun.
  vi.resetModules();
  const { runScript } = await import('./stand-in/run.fixture.ts');
  const script: ScriptModule = await import(/* @vite-ignore */ `./${name}.ts`);
  return runScript(script, iterations);
}

describe('against a system that is well', () => {
  test.each(NAMES)('%s: every threshold holds that is not about time', async (name) => {
    const { broken, data, outputs } = await run(name, 40);
    expect(broken.filter((threshold) => !/ (p\(|max)/.test(threshold))).toEqual([]);
    expect(data.root_group?.checks.filter(({ fails }) => fails > 0)).toEqual([]);
    const passed = broken.length === 0;
    expect(outputs.stdout).toContain(passed ? 'passed' : 'FAILED');
    expect(outputs[`/reports/${name}.html`]).toContain(SCRIPTS[name].question);
    expect(JSON.parse(outputs[`/reports/${name}.json`] ?? '')).toMatchObject({ script: name, passed });
  });
});

describe('a run fails', () => {
  test('where the collector is away', async () => {
    const { broken, outputs } = await run('ingest', 5, { INGEST_URL: NOBODY });
    expect(broken).toContain('http_req_failed{name:beacon} rate<0.001');
    expect(broken).toContain('beacons_acknowledged count>0');
    expect(broken).toContain('checks rate>0.999');
    expect(outputs.stdout).toContain('FAILED');
  });

  test('where beacons are refused for long, but not for the way of it', async () => {
    const { url, close } = await refusing({ 'Retry-After': '1' });
    const { broken } = await run('spike', 10, { INGEST_URL: url });
    expect(broken.filter((threshold) => !threshold.startsWith('http_req_duration'))).toEqual([
      'beacons_refused{scenario:usual} rate==0',
      'beacons_refused{scenario:spike} rate<1',
      'beacons_refused{scenario:after} rate==0',
    ]);
    await close();
  });

  test('where a refusal does not say when to come again', async () => {
    const { url, close } = await refusing({});
    const { broken } = await run('spike', 10, { INGEST_URL: url });
    expect(broken).toContain('beacons_refused_without_retry_after rate==0');
    await close();
  });
});

describe('a run does not begin, and the variable is named', () => {
  test('without a token', async () => {
    await expect(run('query', 1, { TOKEN: '' })).rejects.toThrow(/^TOKEN: is needed/);
  });

  test('with one that is not good', async () => {
    await expect(run('query', 1, { TOKEN: 'wrong' })).rejects.toThrow(/^TOKEN: .* answers 401/);
  });

  test('where there is no API', async () => {
    await expect(run('live', 1, { API_URL: NOBODY })).rejects.toThrow(/^API_URL or BASE_URL: .* answers 0/);
  });

  test('where there are no metrics', async () => {
    await expect(run('soak', 1, { METRICS_URLS: NOBODY })).rejects.toThrow(/^METRICS_URLS: nothing at/);
  });
});

describe('every look asks what the API answers', () => {
  const random = seeded(3);
  const questions = Array.from({ length: 20 }, () =>
    allLooks({ today: '2026-03-01', platform: { communities: [COMMUNITY], divisions: [DIVISION] }, random }),
  ).flat(2);

  test('by an endpoint that there is, with parameters that it knows', async () => {
    for (const { path } of questions) {
      const { pathname, searchParams } = new URL(path, 'http://api/');
      const endpoint = ENDPOINTS.find((each) => `/${each.path.replace('{id}', COMMUNITY)}` === pathname);
      expect(Object.keys(endpoint?.params.properties ?? {})).toEqual(
        expect.arrayContaining([...searchParams.keys()]),
      );
    }
  });

  test('under a name that has a threshold', () => {
    expect(new Set(questions.map(({ name }) => name))).toEqual(new Set(QUESTION_NAMES));
  });
});
