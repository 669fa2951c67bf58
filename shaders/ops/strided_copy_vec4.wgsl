alias Element = Stored4;
alias Wide = vec4f;

#include "strided_copy_body.wgsl"
