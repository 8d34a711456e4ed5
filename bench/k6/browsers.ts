/** What visitors come with, roughly as often as they do. */
import type { Weighted } from './chance.ts';

interface Browser extends Weighted {
  readonly userAgent: string;
  readonly screens: readonly string[];
}

const DESKTOP = ['1920x1080', '1536x864', '2560x1440', '1366x768'];
const MAC = ['1440x900', '1512x982', '1728x1117'];
const IPHONE = ['390x844', '393x852', '430x932'];
const ANDROID = ['412x915', '360x800', '384x832'];

export const BROWSERS: readonly Browser[] = [
  {
    weight: 30,
    userAgent:
      'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36',
    screens: ANDROID,
  },
  {
    weight: 24,
    userAgent:
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36',
    screens: DESKTOP,
  },
  {
    weight: 20,
    userAgent:
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
    screens: IPHONE,
  },
  {
    weight: 7,
    userAgent:
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0',
    screens: DESKTOP,
  },
  {
    weight: 7,
    userAgent:
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15',
    screens: MAC,
  },
  {
    weight: 4,
    userAgent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0',
    screens: DESKTOP,
  },
  {
    weight: 3,
    userAgent:
      'Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36',
    screens: ANDROID,
  },
  {
    weight: 3,
    userAgent:
      'Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
    screens: ['820x1180', '1024x1366'],
  },
  {
    weight: 2,
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    screens: DESKTOP,
  },
];

export const BOTS: readonly string[] = [
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
  'Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)',
  'Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)',
];

interface Language extends Weighted {
  readonly language: string;
}

export const LANGUAGES: readonly Language[] = [
  { weight: 55, language: 'en-CA' },
  { weight: 18, language: 'fr-CA' },
  { weight: 15, language: 'en-US' },
  { weight: 4, language: 'zh-CN' },
  { weight: 4, language: 'pa-IN' },
  { weight: 4, language: 'es' },
];

/** First three octets of addresses whose country is known: mostly Canada, some others. */
export const NETWORKS: readonly string[] = [
  '24.48.0',
  '142.137.10',
  '99.224.1',
  '70.24.2',
  '24.80.16',
  '8.8.8',
  '81.2.69',
  '133.11.0',
];
