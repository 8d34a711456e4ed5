/** A virtual user who is an admin: a look an iteration, its questions side by side. */
import { check } from 'k6';
import execution from 'k6/execution';
import http, { type BatchRequest } from 'k6/http';
import { Rate, Trend } from 'k6/metrics';
import type { Settings } from '../../contract/query.ts';
import { anyLook, type Question } from './looks.ts';
import type { Options } from './options.ts';
import { ask, readPlatform } from './platform.ts';
import type { Platform } from './visitors.ts';

/** From the first question of a look to its last answer. */
const lookMs = new Trend('look_duration', true);
const refusedWithoutRetryAfter = new Rate('questions_refused_without_retry_after');

export interface Office {
  readonly today: string;
  readonly platform: Platform;
}

/** For `setup`. */
export function openOffice(options: Options): Office {
  return { today: ask<Settings>(options, 'settings/').today, platform: readPlatform(options) };
}

export function admins(options: Options): (office: Office) => void {
  return ({ today, platform }) => {
    const questions = anyLook({ today, platform, random: Math.random });
    const token = options.tokens[execution.vu.idInTest % options.tokens.length];
    const start = Date.now();
    const answers = http.batch(questions.map((question) => requestOf(question, options, token)));
    lookMs.add(Date.now() - start);
    questions.forEach(({ type }, i) => {
      const answer = answers[i];
      if (answer === undefined) return;
      const isRefusal = answer.status === 429 || answer.status === 503;
      refusedWithoutRetryAfter.add(isRefusal && !(Number(answer.headers['Retry-After']) > 0));
      check(answer, {
        'a question is answered': ({ status }) => status === 200,
        'an answer is of the type that was asked for': ({ headers }) =>
          (headers['Content-Type'] ?? '').startsWith(type),
      });
    });
  };
}

function requestOf({ name, path }: Question, options: Options, token: string | undefined): BatchRequest {
  return {
    method: 'GET',
    url: `${options.apiUrl}/api/analytics/${path}`,
    params: {
      headers: { Authorization: `Bearer ${token}` },
      tags: { name },
      // Sent, read and thrown away.
      responseType: 'none',
    },
  };
}
