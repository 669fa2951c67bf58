import { join } from 'node:path';
import { readJson } from '../data/json.js';
import { brief } from '../util/brief.js';
import { InputError } from '../util/error.js';
import { exists, namesIn } from '../util/folder.js';
import { checked } from '../util/schema.js';
import { FILES, type StudyDescription } from './files.js';
import { checkPlan } from './plan.js';
import isPlanRecord from './planRecord.jsonschema';
import type { RunRecord } from './runJob.js';
import isRunRecord from './runRecord.jsonschema';
import isStudy from './study.jsonschema';
import type { PlanRecord } from './types.js';

/** A study's `study.json`. @throws InputError when there is none, or it is none */
export async function readDescription(study: string): Promise<StudyDescription> {
  const file = join(study, FILES.description);
  if (!(await exists(file))) {
    throw new InputError(`${study} holds no study (no ${FILES.description}); give --out's folder.`);
  }
  const remedy = "give a study's folder, or begin the study in another";
  return checked<StudyDescription>(await readJson(file), isStudy, { file, whole: 'a study', remedy });
}

/** The plans in a study's folder, by their files' names. @throws InputError when one is none */
export async function readPlanRecords(study: string): Promise<PlanRecord[]> {
  const folder = join(study, FILES.plans);
  const names = (await namesIn(folder)).filter((name) => name.endsWith('.json')).sort();
  return Promise.all(names.map((name) => readPlanRecord(join(folder, name))));
}

async function readPlanRecord(file: string): Promise<PlanRecord> {
  const remedy = 'give the plan to edgewise study again, which writes it';
  const about = { file, whole: 'a plan with its runs', remedy };
  const record = checked<PlanRecord>(await readJson(file), isPlanRecord, about);
  const plan = checkPlan(file, record.plan);
  const other = record.methods.find(({ hashes }) => hashes.length !== plan.seeds.length);
  if (other) {
    const found = `${brief(other.method)} has ${other.hashes.length} hashes for ${plan.seeds.length} seeds`;
    throw new InputError(`${file}: ${found}; ${remedy}.`);
  }
  return { plan, methods: record.methods };
}

/** How a run came about; null where it is not finished. @throws InputError when its file is broken */
export async function readRunRecord(folder: string): Promise<RunRecord | null> {
  const file = join(folder, FILES.run);
  if (!(await exists(file))) return null;
  const remedy = 'remove it: the study measures the run again';
  return checked<RunRecord>(await readJson(file), isRunRecord, { file, whole: "a run's record", remedy });
}
