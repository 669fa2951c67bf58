import { NONE } from '../../util/figures.js';
import type { Ready } from '../protocol.js';
import { element } from './elements.js';

/** Before the first step. */
export const STARTING = 'starting';

/** The list of what is trained, and the pace. @param milliseconds a step */
export function showFacts(ready: Ready, step: number, milliseconds: number): void {
  const { adapter, parameters, images: count, validation, sameImages, live, student, size, steps, notice } = ready;
  const thousand = (value = 0) => `${Math.round(value / 1000)} k parameters`;
  const teacher = `${thousand(parameters.teacher)}${live ? ', learning' : ''}${notice ? `; ${notice.replace(/^the teacher: /, '')}` : ''}`;
  const start = student ?? 'same start';
  const time = `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
  element('#pace', HTMLElement).textContent = step ? `step ${step} · ${time}` : STARTING;
  const facts = {
    Step: `${step} of ${steps}`,
    'Step time': step ? time : NONE,
    Adapter: adapter || 'WebGPU',
    ...(parameters.teacher !== undefined && { Teacher: teacher }),
    ...(parameters.with === undefined
      ? { Student: `${thousand(parameters.without)}, ${start}` }
      : { Students: `${thousand(parameters.with)} each, ${start}` }),
    Images: `${count} of ${size.width}×${size.height} to learn from, AP on ${sameImages ? 'the same' : `${validation} others`}`,
  };
  const list = element('#facts', HTMLElement);
  list.replaceChildren(
    ...Object.entries(facts).flatMap(([name, value]) => {
      const [term, text] = [document.createElement('dt'), document.createElement('dd')];
      term.textContent = name;
      text.textContent = value;
      return [term, text];
    }),
  );
}
