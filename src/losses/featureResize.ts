import source from '../../shaders/losses/feature_resize.wgsl';
import type { Grid } from '../regions/grid.js';
import { type TeacherHead, teacherCells } from '../regions/teacherHead.js';
import { Pyramid } from '../tensor/pyramid.js';
import type { HeadShape } from './headSetting.js';

const RESIZE = { name: 'feature resize', source };

/** Whether a teacher's maps are not the student's, level by level. */
export function isResized({ grid, teacher }: Pick<HeadShape, 'grid' | 'teacher'>): boolean {
  return teacher.isMapped || grid.levels.some((_, index) => teacher.levels[index]?.level !== index);
}

/**
 * A teacher's maps on the student's levels: bilinear, as PyTorch's `interpolate` with `align_corners=False`, by the ratio of the strides.
 * The student's are not resized: so the teacher's finer cells are averaged, and no gradient has to come back.
 * @param student gives the values of levels that nothing teaches, so that nets differ nowhere; null: 0
 * @returns a new pyramid
 */
export function resizeToStudent(
  maps: Pyramid,
  { grid, teacher }: { grid: Grid; teacher: TeacherHead },
  student: Pyramid | null,
): Pyramid {
  const { device, batch, channels } = maps;
  const resized = Pyramid.empty(device, batch, channels, grid.levels);
  device.run({
    kernel: RESIZE,
    constants: { COPIES: student ? 1 : 0 },
    bindings: { student: (student ?? maps).range, teacher: maps.range, resized: resized.range },
    params: {
      count: resized.size,
      level_count: grid.levels.length,
      planes: batch * channels,
      levels: resized.levelTable,
      starts: teacher.levels.flatMap((level) => [level ? maps.levels[level.level].start : 0, 0, 0, 0]),
      teacher_cells: teacherCells(teacher),
    },
    invocations: resized.size,
  });
  return resized;
}
