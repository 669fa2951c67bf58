// strided_copy_body.wgsl of rows of whole vec4.
alias Element = vec4f;

#include "strided_copy_body.wgsl"
