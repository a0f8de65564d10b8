/* The f32 table of this instruction set: its own kernels where kernels.def says SIMD, the reference's elsewhere. */
#include "kernels/simd/table.h"
#include "kernels/reference/reference.h"

#define CNN__ENTRY_SIMD(name) CNN__SIMD(name)
#define CNN__ENTRY_REFERENCE(name) cnn__##name##_f32

const cnn__real_kernels CNN__SIMD(real_kernels) = {
#define CNN__KERNEL(source, result, name, parameters) .name = CNN__ENTRY_##source(name),
#include "kernels/kernels.def"
#undef CNN__KERNEL
};
