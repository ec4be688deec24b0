//! Philox-4x32-10: four words a block, a block per item at a time. Constants as in Salmon et al., "Parallel random
//! numbers: as easy as 1, 2, 3" (SC11).

use super::dims::base;
use super::expr::Writer;
use super::samples::{Operand, Samples};
use super::{Arg, Form as AnyForm, Plan, Spec, Tuning, elementwise};
use crate::kernel::{KernelCall, Work};
use crate::{DType, Result};
use smallvec::{SmallVec, smallvec};

/// The source depends on nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Form;

pub(super) fn plan(call: &KernelCall, key: [u32; 2], counter: u64, tuning: &Tuning) -> Result<Plan> {
    let out = &call.outputs[0];
    let total = out.size();
    let blocks = total.div_ceil(4);
    let (groups, chunk) = elementwise::split(blocks, 256, tuning);
    let m: SmallVec<[i64; 24]> = smallvec![
        total as i64,
        blocks as i64,
        chunk as i64,
        key[0] as i64,
        key[1] as i64,
        counter as i64,
        base(call.op, out)?
    ];
    let spec = Spec::new(AnyForm::Random(Form), [tuning.local, 1, 1]);
    Ok(Plan::one(spec, smallvec![Arg::Memory(out.memory.handle), Arg::Ints(m)], [groups, 1, 1]))
}

/// A stream, for the test that compiles every kernel.
pub(super) fn samples(dtype: DType, s: &mut Samples) {
    if dtype == DType::U32 {
        let work = Work::RandomBits { key: [1, 2], counter: 0 };
        s.add("bits", &work, None, &[], &[Operand::new(dtype, &[1000])]);
    }
}

impl Form {
    pub(super) fn render(&self, w: &mut Writer, local: [usize; 3]) -> Result<()> {
        w.uses(DType::U32);
        let ls = local[0];
        let range = if ls == 1 {
            "mp_i64 end = (MP_GROUP(0) + 1) * m.chunk; if (end > m.blocks) end = m.blocks;\nfor (mp_i64 i = MP_GROUP(0) * m.chunk; i < end; ++i) {".to_string()
        } else {
            format!(
                "for (mp_i64 i = (mp_i64)MP_GROUP(0) * {ls} + MP_LID(0); i < m.blocks; i += (mp_i64)MP_GROUPS(0) * {ls}) {{"
            )
        };
        let head = w.dialect.kernel("mp_random", local);
        w.kernel(
            "mp_random",
            format!(
                "typedef struct {{ mp_i64 total, blocks, chunk, k0, k1, counter, off; }} mp_meta;
{head}(MP_GLOBAL mp_u32* out, const mp_meta m) {{
{range}
const mp_u64 at = (mp_u64)m.counter + (mp_u64)i;
mp_u32 x[4]; x[0] = (mp_u32)at; x[1] = (mp_u32)(at >> 32); x[2] = 0; x[3] = 0;
mp_u32 k0 = (mp_u32)m.k0, k1 = (mp_u32)m.k1;
for (int round = 0; round < 10; ++round) {{
const mp_u64 p = (mp_u64)0xD2511F53u * x[0], q = (mp_u64)0xCD9E8D57u * x[2];
const mp_u32 y0 = (mp_u32)(q >> 32) ^ x[1] ^ k0, y2 = (mp_u32)(p >> 32) ^ x[3] ^ k1;
x[0] = y0; x[1] = (mp_u32)q; x[2] = y2; x[3] = (mp_u32)p; k0 += 0x9E3779B9u; k1 += 0xBB67AE85u; }}
for (int j = 0; j < 4; ++j) if (i * 4 + j < m.total) out[m.off + i * 4 + j] = x[j];
}}
}}
"
            ),
        );
        Ok(())
    }
}
