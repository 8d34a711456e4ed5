/** The conformance suite over HTTP. */
import { describeAnalyticsStore } from './conformance.case.ts';
import { openOverHttp } from './http-conformance.fixture.ts';

describeAnalyticsStore('ClickHouse over HTTP', () => openOverHttp());
