//! Work along the last axis, a line at a time: what arg-reductions and scans share. On CPUs a work item takes some lines,
//! elsewhere a group, whose items share each of them.

use super::dialect::storage;
use super::dims::{base, collapse, index_type, is_wide, unravel};
use super::expr::Writer;
use super::{Arg, Form, Plan, Spec, Tuning};
use crate::kernel::KernelCall;
use crate::{DType, Result};
use smallvec::{SmallVec, smallvec};

/// The part of the source that depends on how the lines lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Lines {
    outer: u8,
    wide: bool,
}

/// Plans a kernel for the lines of the first input and the output's elements or lines beside them; `own` are the kernel's own numbers.
pub(super) fn plan(
    call: &KernelCall,
    own: &[i64],
    tuning: &Tuning,
    form: impl FnOnce(Lines) -> Form,
) -> Result<Plan> {
    let (x, out) = (call.inputs[0].view(), &call.outputs[0]);
    let last = x.shape.len() - 1;
    let mut dims = collapse(&x.shape[..last], [&x.strides[..last], &out.strides[..last]].into_iter());
    let n = dims.padded_ndim();
    dims.pad(n);
    let count = dims.total();
    let per = count.div_ceil(tuning.groups);
    let mut m: SmallVec<[i64; 24]> =
        smallvec![count as i64, per as i64, x.shape[last] as i64, x.strides[last] as i64];
    m.extend_from_slice(own);
    m.extend([base(call.op, x)?, base(call.op, out)?]);
    m.extend(dims.n.iter().map(|&n| n as i64));
    m.extend(dims.s.iter().flatten().map(|&s| s as i64));
    let spec = Spec::new(form(Lines { outer: n as u8, wide: is_wide(count) }), [tuning.local, 1, 1]);
    let args = smallvec![Arg::Memory(x.memory.handle), Arg::Memory(out.memory.handle), Arg::Ints(m)];
    Ok(Plan::one(spec, args, [count.div_ceil(per), 1, 1]))
}

impl Lines {
    /// The kernel up to where a line begins: `in[b0 + i * m.from]` are its `m.extent` elements, `out[bo]` is where its result goes. `own` names
    /// the kernel's own numbers, `shared` declares its local memory. The loop over the lines and the function are open.
    pub(super) fn begin(
        self,
        w: &Writer,
        entry: &str,
        local: [usize; 3],
        [from, to]: [DType; 2],
        own: &str,
        shared: &str,
    ) -> String {
        let (no, ix) = (self.outer as usize, index_type(self.wide));
        let offsets = [("b0".to_string(), "m.s[0]".to_string()), ("bo".to_string(), "m.s[1]".to_string())];
        format!(
            "typedef struct {{ mp_i64 count, per, extent, from, {own}off[2], n[{no}], s[2][{no}]; }} mp_meta;\n\
             {head}(MP_GLOBAL const {}* in, MP_GLOBAL {}* out, const mp_meta m) {{\n{shared}\
             mp_i64 g1 = (MP_GROUP(0) + 1) * m.per; if (g1 > m.count) g1 = m.count;\n\
             for (mp_i64 g = MP_GROUP(0) * m.per; g < g1; ++g) {{\nmp_i64 b0 = m.off[0], bo = m.off[1];\n\
             {{ {ix} q = ({ix})g;\n{}}}\n",
            storage(from),
            storage(to),
            unravel(ix, "q", no, "m.n", &offsets),
            head = w.dialect.kernel(entry, local)
        )
    }
}
