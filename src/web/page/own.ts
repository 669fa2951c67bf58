import {
  type Distillation,
  type GivenModel,
  HEADS,
  type Head,
  type Report,
  STUDENT_DEFAULTS,
  type StudentChoice,
  type StudentName,
  type TeacherChoice,
} from '../protocol.js';
import { element } from './elements.js';

/** Whose model was dropped. */
export type Role = 'student' | 'teacher';

const panel = element('#model', HTMLElement);
const headSelect = element('#head', HTMLSelectElement);
const newClasses = element('#newClasses', HTMLInputElement);
const saveButtons = {
  with: element('#saveWith', HTMLButtonElement),
  without: element('#saveWithout', HTMLButtonElement),
};
const saved = element('#saved', HTMLElement);

/** What the page does when something of the panel is used. */
interface Actions {
  /** A setting or the teacher has changed. */
  restart(): void;
  /** Of LD, as a head has it. */
  distil(distillation: Partial<Distillation>): void;
  save(name: StudentName): void;
}

/** The visitor's own models: that which learns, with its settings, and that which teaches. */
export class OwnModels {
  readonly #given: Record<Role, Partial<GivenModel>> = { student: {}, teacher: {} };
  /** Of the mapping that the last saved model goes with. */
  #mappingUrl = '';

  constructor({ restart, distil, save }: Actions) {
    headSelect.append(...Object.keys(HEADS).map((head) => new Option(head)));
    headSelect.value = STUDENT_DEFAULTS.head;
    newClasses.checked = STUDENT_DEFAULTS.newClasses;
    for (const name of ['learningRate', 'steps', 'side'] as const) {
      input(name).value = String(STUDENT_DEFAULTS[name]);
    }
    headSelect.addEventListener('change', () => distil({ weight: HEADS[headSelect.value as Head] }));
    panel.addEventListener('change', restart);
    for (const name of ['with', 'without'] as const) {
      saveButtons[name].addEventListener('click', () => {
        saveButtons[name].disabled = true;
        save(name);
      });
    }
    this.show(false);
  }

  /** A model, its mapping, or both: what is missing may follow. A new model needs a new mapping. */
  take(role: Role, given: Partial<GivenModel>): void {
    const before = this.#given[role];
    // A trained net learns little good from a teacher that knows nothing yet.
    if (role === 'student' && given.model && !before.model) teacherRadio('none').checked = true;
    this.#given[role] = given.model && before.model ? given : { ...before, ...given };
    if (role === 'teacher' && isWhole(this.#given.teacher)) teacherRadio('dropped').checked = true;
  }

  /** Forgets the models. */
  clear(): void {
    this.#given.student = {};
    this.#given.teacher = {};
  }

  /** What has to be dropped before the training can start; null: nothing. */
  missing(hasData: boolean): string | null {
    for (const [role, { model, mapping }] of Object.entries(this.#given)) {
      const whose = role === 'teacher' ? ' of the teacher' : '';
      if (model && !mapping)
        return `Now drop the mapping${whose}: the JSON file that says where the head of ${model.file.name} is.`;
      if (mapping && !model) return `Now drop the model${whose} that ${mapping.file.name} is for, an .onnx file.`;
    }
    if (this.#given.teacher.model && !this.#given.student.model)
      return 'Now drop the model that is to learn, and its mapping.';
    return this.#given.student.model && !hasData
      ? 'Now drop the images that it is to learn, with their COCO annotations.'
      : null;
  }

  /** Null: the page's own detectors learn. */
  get student(): StudentChoice | null {
    const { student } = this.#given;
    if (!isWhole(student)) return null;
    const number = (name: 'learningRate' | 'steps' | 'side') => input(name).valueAsNumber;
    return {
      ...student,
      head: headSelect.value as Head,
      newClasses: newClasses.checked,
      learningRate: number('learningRate'),
      steps: number('steps'),
      side: number('side'),
    };
  }

  /** As chosen, of what there is. */
  get teacher(): TeacherChoice {
    const { student, teacher } = this.#given;
    if (!isWhole(student)) return teacherRadio('live').checked ? 'live' : 'shipped';
    if (teacherRadio('none').checked) return 'none';
    return teacherRadio('dropped').checked && isWhole(teacher) ? teacher : 'live';
  }

  /** Brings the panel in line with what is there. @param hasData whether there are images of the visitor's */
  show(hasData: boolean): void {
    const { student, teacher } = this.#given;
    const isOwn = student.model !== undefined;
    const todo = this.missing(hasData);
    panel.hidden = !isOwn;
    element('#todo', HTMLElement).textContent = todo ?? '';
    element('#modelName', HTMLElement).textContent = student.model?.file.name ?? '';
    element('#teachersName', HTMLElement).textContent = teacher.model?.file.name ?? '';
    document.body.toggleAttribute('data-model', isOwn);
    document.body.toggleAttribute('data-teacher-model', isWhole(teacher));
    const hidden = [
      ...(hasData || isOwn ? ['shipped'] : []),
      ...(isOwn ? [] : ['none']),
      ...(isOwn && isWhole(teacher) ? [] : ['dropped']),
    ];
    for (const value of ['shipped', 'none', 'dropped'] as const) teacherRadio(value).disabled = hidden.includes(value);
    const chosen = element('input[name=source]:checked', HTMLInputElement);
    if (chosen.disabled) teacherRadio(hidden.includes('shipped') ? 'live' : 'shipped').checked = true;
    const isAlone = this.teacher === 'none';
    document.body.toggleAttribute('data-alone', isAlone);
    this.canSave(false);
  }

  /** Whether there is something to save yet. */
  canSave(can: boolean): void {
    for (const button of Object.values(saveButtons)) button.disabled = !can;
    if (!can) saved.replaceChildren();
  }

  /** Gives the visitor a model that has learned, and a link to the mapping that it goes with. */
  download({ name, step, model, mapping }: Extract<Report, { kind: 'saved' }>): void {
    const stem = (this.#given.student.model?.file.name ?? 'model').replace(/\.onnx$/i, '');
    const what = this.teacher === 'none' ? 'trained' : `${name}-ld`;
    const file = `${stem}-${what}`;
    saveButtons[name].disabled = false;
    const url = URL.createObjectURL(new Blob([model]));
    linkTo(url, `${file}.onnx`).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    URL.revokeObjectURL(this.#mappingUrl);
    this.#mappingUrl = URL.createObjectURL(new Blob([`${JSON.stringify(mapping, null, 2)}\n`]));
    saved.replaceChildren(
      `Saved ${file}.onnx, of step ${step}. Its mapping: `,
      linkTo(this.#mappingUrl, `${file}.mapping.json`),
    );
  }
}

function isWhole(given: Partial<GivenModel>): given is GivenModel {
  return given.model !== undefined && given.mapping !== undefined;
}

function linkTo(url: string, file: string): HTMLAnchorElement {
  const link = document.createElement('a');
  link.href = url;
  link.download = link.textContent = file;
  return link;
}

function input(id: string): HTMLInputElement {
  return element(`#${id}`, HTMLInputElement);
}

function teacherRadio(value: 'shipped' | 'live' | 'none' | 'dropped'): HTMLInputElement {
  return element(`input[name=source][value=${value}]`, HTMLInputElement);
}
