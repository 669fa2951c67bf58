import type { TermName } from '../losses/headTerms.js';
import { brief } from '../util/brief.js';
import { InputError } from '../util/error.js';
import { checked } from '../util/schema.js';
import type { Agreement } from './agreement.js';
import isLogEntry from './logEntry.jsonschema';

/** One line of a run's `log.jsonl`: an epoch. */
export interface LogEntry {
  /** From 1: epochs done. */
  epoch: number;
  /** Who assigned; where the recipe's `regions.switchAfter` changes it. */
  assigner?: string;
  /** Steps done. */
  step: number;
  /** Of the epoch's last step. */
  learningRate: number;
  /** Factor of the distillation terms in the epoch's last step; where the recipe changes it. */
  distillation?: number;
  /** At the end of the epoch; where maps are stored in f16. */
  lossScale?: number;
  /** Updates skipped since the training began, since a gradient left the range of f16; likewise. */
  skippedUpdates?: number;
  /** Mean of the total loss over the epoch's steps. */
  loss: number;
  /** Mean of each term, summed over the levels, weights included. */
  terms: Record<TermName, number>;
  /** Of the steps alone, since the training was last started; 0 where that is not known. */
  imagesPerSecond: number;
  /** Of the epoch's steps and its evaluation, since the training was last started; 0 where that is not known. */
  seconds: number;
  /** The COCO figures on the validation set by name; where it was evaluated. */
  evaluation?: Record<string, number>;
  /** Of student and teacher on the validation set; where there is a teacher. */
  agreement?: Agreement;
}

/** Whether a text is JSON. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** An epoch from its line of a log. @param place where it stands, for the message @throws InputError when it is none */
export function parseEntry(line: string, place: string): LogEntry {
  if (!isJson(line)) {
    throw new InputError(`${place} is ${brief(line)}, which is not JSON; remove the line, or give another run.`);
  }
  return checkEntry(JSON.parse(line), place);
}

/** An epoch of a log. @param place where it stands, for the message @throws InputError when it is none */
export function checkEntry(value: unknown, place: string): LogEntry {
  return checked<LogEntry>(value, isLogEntry, {
    file: place,
    whole: 'an epoch',
    remedy: 'remove it, or give another run',
  });
}
