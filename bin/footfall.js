#!/usr/bin/env node
// The entry that every Node can run: it lets Node read TypeScript, then hands over to the command line.
import { register } from 'tsx/esm/api';

register();
await import('../footfall.ts');
