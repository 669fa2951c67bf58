alias Element = vec4f;

#include "strided_copy_body.wgsl"
