/** The scripts, with the question that each answers. */

export interface Script {
  readonly question: string;
  /** What an installation of its own needs beside visitors. */
  readonly history: boolean;
}

export const SCRIPTS = {
  ingest: {
    question: 'How fast is a beacon acknowledged at this rate, and is every one of them?',
    history: false,
  },
  query: {
    question:
      'How long do admins wait for each number, over ranges from a day to a year, while others ask, too?',
    history: true,
  },
  live: {
    question: 'How soon do open pages see visitors come and go, and does every socket last?',
    history: false,
  },
  spike: {
    question:
      'What happens when many times as many beacons come at once: are they taken or refused politely, and is it over when they are?',
    history: false,
  },
  soak: {
    question:
      'Does the system keep up for long: do lag and memory stay, and is every beacon counted in the end?',
    history: false,
  },
  mixed: {
    question: 'Do visitors, admins and open pages disturb each other?',
    history: true,
  },
} as const satisfies Record<string, Script>;

export type ScriptName = keyof typeof SCRIPTS;
