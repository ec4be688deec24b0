//! CUDA C++ as NVRTC compiles it without any header, as a dialect of `minpy_core::backend::codegen`.

use minpy_core::DType;
use minpy_core::backend::DTypeSet;
use minpy_core::backend::codegen::Dialect;

/// CUDA C++.
#[derive(Debug)]
pub struct Cuda;

const PRELUDE: &str = "typedef signed char mp_i8; typedef short mp_i16; typedef int mp_i32; typedef long long mp_i64;
typedef unsigned char mp_u8; typedef unsigned short mp_u16; typedef unsigned int mp_u32; typedef unsigned long long mp_u64;
typedef unsigned char mp_bool; typedef unsigned short mp_half; typedef float mp_f16; typedef float mp_f32; typedef double mp_f64;
#define MP_FN static __device__ __forceinline__
#define MP_GLOBAL
#define MP_LOCAL __shared__
#define MP_RESTRICT __restrict__
#define MP_BARRIER() __syncthreads()
#define MP_AXIS(v, d) ((mp_i64)((d) == 0 ? v.x : (d) == 1 ? v.y : v.z))
#define MP_LID(d) MP_AXIS(threadIdx, d)
#define MP_GROUP(d) MP_AXIS(blockIdx, d)
#define MP_GROUPS(d) MP_AXIS(gridDim, d)
#define MP_U64(x) x##ULL
#define MP_F32_BITS(x) ((mp_u32)__float_as_int(x))
#define MP_F32_FROM_BITS(u) __int_as_float((int)(u))
#define MP_F64_BITS(x) ((mp_u64)__double_as_longlong(x))
#define MP_F64_FROM_BITS(u) __longlong_as_double((long long)(u))
#define MP_MAD_F32(a, b, c) fmaf(a, b, c)
#define MP_MAD_F64(a, b, c) fma(a, b, c)
";

// cuda_fp16.h is not part of NVRTC; the conversions are one instruction each.
const HALF: &str = "MP_FN mp_f32 mp_h2f(mp_half h) { mp_f32 x; asm(\"cvt.f32.f16 %0, %1;\" : \"=f\"(x) : \"h\"(h)); return x; }
MP_FN mp_half mp_f2h(mp_f32 x) { mp_half h; asm(\"cvt.rn.f16.f32 %0, %1;\" : \"=h\"(h) : \"f\"(x)); return h; }
";

impl Dialect for Cuda {
    fn name(&self) -> &'static str {
        "cuda"
    }
    fn prelude(&self, dtypes: DTypeSet) -> String {
        let mut text = PRELUDE.to_string();
        if dtypes.contains(DType::F16) {
            text += HALF;
        }
        text
    }
    fn kernel(&self, entry: &str, [x, y, z]: [usize; 3]) -> String {
        format!("extern \"C\" __global__ void __launch_bounds__({}) {entry}", x * y * z)
    }
}
