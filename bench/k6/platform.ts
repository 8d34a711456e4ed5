/** What the system under test knows of its platform, for beacons and questions that name places. */
import http from 'k6/http';
import type { Communities, Divisions } from '../../contract/query.ts';
import type { Options } from './options.ts';
import type { Platform } from './visitors.ts';

/** Without a token nothing is asked, and beacons name no places. */
export function readPlatform(options: Options): Platform {
  if (options.tokens.length === 0) return { communities: [], divisions: [] };
  const communities = ask<Communities>(options, 'communities/');
  const divisions = ask<Divisions>(options, 'divisions/');
  return {
    communities: communities.map(({ community_id }) => community_id),
    divisions: divisions.map(({ division_id }) => division_id),
  };
}

/** For `setup`: an answer other than 200 ends the run, and says what to change. */
export function ask<Result>(options: Options, path: string): Result {
  const url = `${options.apiUrl}/api/analytics/${path}`;
  const { status, body } = http.get(url, {
    headers: { Authorization: `Bearer ${options.tokens[0]}` },
    tags: { name: 'setup' },
    responseType: 'text',
  });
  if (status === 401 || status === 403) throw new Error(`TOKEN: ${url} answers ${status}: ${body}`);
  if (status !== 200) throw new Error(`API_URL or BASE_URL: ${url} answers ${status}: ${body}`);
  return JSON.parse(body);
}
