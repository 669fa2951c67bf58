import { describe, expect, it } from 'vitest';
import { conclusion, describeDemo } from '../../src/cli/demoTable.js';

const teacher = { AP: 0.6, AP75: 0.7, localizationError: null };
const without = { AP: 0.38, AP75: 0.36, localizationError: 0.4 };

describe('the sentence under the table', () => {
  it('says what LD gained', () => {
    expect(conclusion([teacher, without, { AP: 0.405, AP75: 0.39, localizationError: 0.3 }])).toBe(
      "With localization distillation the same student is better: AP +2.5 points, AP75 +3.0, its edges 25 % nearer to the teacher's.",
    );
  });

  it('says it when LD gained nothing', () => {
    expect(conclusion([teacher, without, { AP: 0.37, AP75: 0.37, localizationError: 0.5 }])).toBe(
      "With localization distillation the same student is no better: AP −1.0 points, AP75 +1.0, its edges 25 % farther from the teacher's.",
    );
  });

  it('leaves out what is not defined', () => {
    expect(conclusion([teacher, without, { AP: 0.4, AP75: 0.36, localizationError: null }])).toBe(
      'With localization distillation the same student is better: AP +2.0 points, AP75 +0.0.',
    );
  });
});

it('names the report only where there is one', () => {
  const row = { run: 'r', size: 'tiny', recipe: 'kd', AP50: 0.7, ...without } as const;
  expect(describeDemo([row, row, row], 'demo/report.html', 65)).toMatch(
    /demo\/report\.html shows the three nets\.\n\n1 min 5 s$/,
  );
  expect(describeDemo([row, row, row], null, 5)).not.toContain('report');
});
