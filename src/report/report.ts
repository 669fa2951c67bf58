import type { StudyResults } from '../study/types.js';
import type { Figure } from './figure.js';
import { agreementFigure, type MethodErrors } from './figures/agreement.js';
import { calibrationFigure } from './figures/calibration.js';
import { differencesFigure } from './figures/differences.js';
import { edgesFigure } from './figures/edges.js';
import { errorMapsFigure } from './figures/errorMaps.js';
import { stylesOf } from './figures/names.js';
import { precisionRecallFigure } from './figures/precisionRecall.js';
import { profilesFigure } from './figures/profiles.js';
import { regionsFigure } from './figures/regions.js';
import { sweepsFigure } from './figures/sweeps.js';
import { trainingFigure } from './figures/training.js';
import { worstFigure } from './figures/worst.js';
import { renderPage, type Section } from './page.js';
import { runsSection } from './tables/runs.js';
import { studySections } from './tables/study.js';
import type { ReportData, RunSummary } from './types.js';

/** The page and its figures. */
export function makeReport(data: ReportData): { html: string; figures: Figure[] } {
  const { scene, runs, shown, title, date, version, worst, study } = data;
  const { name, split, images, classes } = data.data;
  const styleOf = stylesOf(runs, shown);
  const parts: (Figure | Section | null)[] = [
    edgesFigure(scene, shown, classes),
    profilesFigure(scene, shown, { styleOf, classes }),
    runsSection(runs),
    ...(study ? studySections(study) : []),
    differencesFigure(study?.plans.flatMap(({ tables }) => tables) ?? []),
    sweepsFigure(study?.plans.flatMap(({ curves }) => curves) ?? []),
    agreementFigure(study ? methodErrors(study) : runs.flatMap(errorsOf)),
    errorMapsFigure(scene, shown),
    regionsFigure(scene),
    trainingFigure(runs, styleOf),
    precisionRecallFigure(
      runs.map((run) => ({ run, precisionRecall: run.measures.precisionRecall })),
      styleOf,
    ),
    calibrationFigure(
      runs.map((run) => ({ run, calibration: run.measures.calibration })),
      styleOf,
    ),
    worstFigure(worst, classes),
  ];
  const present = parts.filter((part) => part !== null);
  const lead = `${name}, ${split}: ${images} images, ${classes.length} ${classes.length === 1 ? 'class' : 'classes'}. ${runs.length} ${runs.length === 1 ? 'run' : 'runs'}.`;
  const html = renderPage({ title, lead, foot: `edgewise ${version}, ${date}.` }, present);
  return { html, figures: present.filter((part): part is Figure => 'panels' in part) };
}

/** Of every method that a table lists, once. */
function methodErrors({ plans }: StudyResults): MethodErrors[] {
  const rows = new Map(
    plans.flatMap(({ tables }) => tables.flatMap((table) => table.rows)).map((row) => [row.method, row]),
  );
  return [...rows.values()].flatMap(({ method, n, figures: { localizationError, classificationError } }) => {
    if (!localizationError || !classificationError) return [];
    const of = ({ mean, deviation }: typeof localizationError) => ({ mean, sd: deviation });
    return [{ name: method, n, localization: of(localizationError), classification: of(classificationError) }];
  });
}

function errorsOf({ name, measures: { agreement } }: RunSummary): MethodErrors[] {
  if (!agreement || agreement.all.locations === 0) return [];
  const { localizationError, classificationError } = agreement.all;
  return [
    {
      name,
      n: 1,
      localization: { mean: localizationError, sd: null },
      classification: { mean: classificationError, sd: null },
    },
  ];
}
