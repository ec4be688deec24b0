//! OpenCL C 1.2 as a dialect of `minpy_core::backend::codegen`.

use minpy_core::DType;
use minpy_core::backend::DTypeSet;
use minpy_core::backend::codegen::Dialect;

/// OpenCL C.
#[derive(Debug)]
pub struct OpenCl;

const PRELUDE: &str = "#pragma OPENCL FP_CONTRACT OFF
typedef char mp_i8; typedef short mp_i16; typedef int mp_i32; typedef long mp_i64;
typedef uchar mp_u8; typedef ushort mp_u16; typedef uint mp_u32; typedef ulong mp_u64;
typedef uchar mp_bool; typedef ushort mp_half; typedef float mp_f16; typedef float mp_f32;
#define MP_FN static inline
#define MP_GLOBAL __global
#define MP_LOCAL __local
#define MP_RESTRICT restrict
#define MP_BARRIER() barrier(CLK_LOCAL_MEM_FENCE)
#define MP_LID(d) ((mp_i64)get_local_id(d))
#define MP_GROUP(d) ((mp_i64)get_group_id(d))
#define MP_GROUPS(d) ((mp_i64)get_num_groups(d))
#define MP_U64(x) x##UL
#define MP_F32_BITS(x) as_uint(x)
#define MP_F32_FROM_BITS(u) as_float(u)
#ifdef FP_FAST_FMAF
#define MP_MAD_F32(a, b, c) fma(a, b, c)
#else
#define MP_MAD_F32(a, b, c) mad(a, b, c)
#endif
";

const DOUBLE: &str = "#pragma OPENCL EXTENSION cl_khr_fp64 : enable
typedef double mp_f64;
#define MP_F64_BITS(x) as_ulong(x)
#define MP_F64_FROM_BITS(u) as_double(u)
#define MP_MAD_F64(a, b, c) fma(a, b, c)
";

// Reading and writing halves is in the language; arithmetic on them is not, and is not needed.
const HALF: &str = "MP_FN mp_f32 mp_h2f(mp_half h) { return vload_half(0, (const half*)&h); }
MP_FN mp_half mp_f2h(mp_f32 x) { mp_half h; vstore_half_rte(x, 0, (half*)&h); return h; }
";

impl Dialect for OpenCl {
    fn name(&self) -> &'static str {
        "opencl"
    }
    fn prelude(&self, dtypes: DTypeSet) -> String {
        let mut text = PRELUDE.to_string();
        if dtypes.contains(DType::F64) {
            text += DOUBLE;
        }
        if dtypes.contains(DType::F16) {
            text += HALF;
        }
        text
    }
    fn kernel(&self, entry: &str, [x, y, z]: [usize; 3]) -> String {
        format!("__kernel __attribute__((reqd_work_group_size({x}, {y}, {z}))) void {entry}")
    }
    // Built-in functions are overloaded.
    fn math(&self, function: &str, _dtype: DType) -> String {
        function.to_string()
    }
    fn vector(&self, dtype: DType, lanes: usize) -> Option<(String, String, String)> {
        let name = if dtype == DType::F32 {
            "float"
        } else if dtype == DType::F64 {
            "double"
        } else {
            return None;
        };
        [2, 4, 8, 16]
            .contains(&lanes)
            .then(|| (format!("{name}{lanes}"), format!("vload{lanes}"), format!("vstore{lanes}")))
    }
}
