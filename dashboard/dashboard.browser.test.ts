import { describe, vi } from 'vitest';
import { access } from './cases/access.case.ts';
import { accessibility } from './cases/accessibility.case.ts';
import { live } from './cases/live.case.ts';
import { looks } from './cases/looks.case.ts';
import { numbers } from './cases/numbers.case.ts';
import { requests } from './cases/requests.case.ts';
import { describeDashboard } from './dashboard.fixture.ts';

vi.setConfig({ testTimeout: 60_000 });

// One installation for all: its history takes a while to be counted.
describeDashboard('the dashboard', (given) => {
  describe('its numbers', () => numbers(given));
  describe('who sees it', () => access(given));
  describe('what it asks', () => requests(given));
  describe('what is live', () => live(given));
  describe('who can use it', () => accessibility(given));
  describe('how it looks', () => looks(given));
});
