//! The C text of reductions: the rows kernel and the columns kernel that `reduce.rs` plans for.

use super::dialect::{accumulator, ctype, storage};
use super::dims::{Step, index_type, unravel};
use super::expr::{Writer, load};
use super::reduce::{Form, width};
use crate::expr::Prim;
use crate::kernel::Fold;
use crate::{DType, Result};

/// Pieces of text that both kernels share.
struct Text {
    acc: String,
    identity: String,
    combine: String,
    /// Adds variable `$t` to the running `$acc` (with `$comp`).
    total: String,
    compensated: bool,
}

impl Text {
    fn running(&self, acc: &str, comp: &str, t: &str) -> String {
        self.total.replace("$acc", acc).replace("$comp", comp).replace("$t", t)
    }
}

impl Form {
    fn text(&self, w: &mut Writer) -> Result<Text> {
        let acc = accumulator(self.program.0.output_dtype(0));
        let combine = w.prim(self.fold.prim(), acc)?;
        let compensated = self.fold == Fold::Add && matches!(acc, DType::F32 | DType::F64);
        let t = ctype(acc);
        let total = if compensated {
            let finite = w.prim(Prim::IsFinite, acc)?;
            // Where the sum overflows, the correction would be inf - inf.
            format!(
                "{{ const {t} y_ = $t - $comp, s_ = $acc + y_; $comp = {finite}(s_) ? (s_ - $acc) - y_ : ({t})0; $acc = s_; }}\n"
            )
        } else {
            format!("$acc = {combine}($acc, $t);\n")
        };
        Ok(Text { acc: t, identity: w.constant(&self.fold.identity(acc)), combine, total, compensated })
    }

    pub(super) fn render(&self, w: &mut Writer, local: [usize; 3]) -> Result<()> {
        let program = &self.program.0;
        let acc = accumulator(program.output_dtype(0));
        let text = self.text(w)?;
        let (no, ni, ls) = (self.outer as usize, self.inner as usize, local[0]);
        let mut parameters = Vec::new();
        let mut views = Vec::new();
        for (i, step) in self.inputs.iter().enumerate() {
            w.uses(program.inputs()[i]);
            if let Some(step) = step {
                parameters
                    .push(format!("MP_GLOBAL const {}* MP_RESTRICT in{i}", storage(program.inputs()[i])));
                views.push((i, *step));
            }
        }
        let nv = views.len();
        parameters.push(format!("MP_GLOBAL {}* MP_RESTRICT out", storage(self.store)));
        for (i, step) in self.inputs.iter().enumerate() {
            if step.is_none() {
                parameters.push(format!("const {} c{i}", storage(program.inputs()[i])));
            }
        }
        parameters.push("const mp_meta m".into());
        // One value of the program at element `p<v> + j * step`, position `at`.
        let along = |v: usize, step: Step| match step {
            Step::Zero => format!("p{v}"),
            Step::One => format!("p{v} + j"),
            Step::Any => format!("p{v} + j * t{v}"),
        };
        let serial = ls == 1;
        let input = |i: usize| {
            let element = match views.iter().position(|(k, _)| *k == i) {
                Some(v) if serial => format!("in{i}[{}]", along(v, views[v].1)),
                Some(v) => format!("in{i}[p{v}]"),
                None => format!("c{i}"),
            };
            load(program.inputs()[i], &element)
        };
        let position = match (self.column, serial) {
            (false, true) => "o * m.extent + r + j",
            (true, true) => "(o + j) * m.extent + r",
            _ => "o * m.extent + r",
        };
        let (statements, results) = w.program(program, &input, position)?;
        // Registers of half are floats already.
        let combine = text.combine.clone();
        let fold_into =
            |target: &str| format!("{{ {statements}{target} = {combine}({target}, {}); }}\n", results[0]);
        w.uses(acc);
        let stored = {
            let value = w.cast(acc, self.store, "value");
            if self.store == DType::F16 { format!("mp_f2h({value})") } else { value }
        };
        let bases: Vec<(String, String)> = (0..nv)
            .map(|v| (format!("b{v}"), format!("m.so[{v}]")))
            .chain([("bo".into(), format!("m.so[{nv}]"))])
            .collect();
        let inner: Vec<(String, String)> = (0..nv).map(|v| (format!("p{v}"), format!("m.si[{v}]"))).collect();
        let start: String = (0..nv).map(|v| format!("mp_i64 b{v} = m.off[{v}];\n")).collect::<String>()
            + &format!("mp_i64 bo = m.off[{nv}];\n");
        let begin: String = (0..nv).map(|v| format!("mp_i64 p{v} = b{v};\n")).collect();
        let nv1 = nv + 1;
        let mut k = format!(
            "typedef struct {{ mp_i64 count, extent, segments, chunk, per, off[{nv1}], no[{no}], ni[{ni}], so[{nv1}][{no}], si[{nv}][{ni}]; }} mp_meta;\n{}({}) {{\n",
            w.dialect.kernel("mp_reduce", local),
            parameters.join(", ")
        );
        let ix = index_type(self.wide);
        let which = if self.column { ("so", no - 1) } else { ("si", ni - 1) };
        for (v, (_, step)) in views.iter().enumerate() {
            if serial && *step != Step::Zero {
                let value = if *step == Step::One {
                    "1".to_string()
                } else {
                    format!("m.{}[{v}][{}]", which.0, which.1)
                };
                k += &format!("const mp_i64 t{v} = {value};\n");
            }
        }
        // Segments write their results one after another; then `bo` must be the place in scratch.
        let target = if self.partial { "segment * m.count + o" } else { "bo" };
        let parts = Parts { text, ix, no, ni, bases, inner, start, begin, stored, target, steps: &views };
        k += &if self.column { parts.column(ls, acc, &fold_into) } else { parts.row(ls, acc, &fold_into) };
        k += "}\n";
        w.kernel("mp_reduce", k);
        Ok(())
    }
}

struct Parts<'a> {
    text: Text,
    ix: &'static str,
    no: usize,
    ni: usize,
    bases: Vec<(String, String)>,
    inner: Vec<(String, String)>,
    start: String,
    begin: String,
    stored: String,
    target: &'static str,
    steps: &'a [(usize, Step)],
}

impl Parts<'_> {
    fn segment(&self) -> &'static str {
        "const mp_i64 r0 = segment * m.chunk; mp_i64 r1 = r0 + m.chunk; if (r1 > m.extent) r1 = m.extent;\n"
    }
    fn row(&self, ls: usize, acc: DType, fold_into: &dyn Fn(&str) -> String) -> String {
        let Text { acc: t, identity, combine, compensated, .. } = &self.text;
        let ix = self.ix;
        let mut k = String::new();
        if ls > 1 {
            k += &format!("MP_LOCAL {t} shared_[{ls}];\n");
        }
        k += "mp_i64 g1 = (MP_GROUP(0) + 1) * m.per; if (g1 > m.count * m.segments) g1 = m.count * m.segments;\n";
        k += "for (mp_i64 g = MP_GROUP(0) * m.per; g < g1; ++g) {\n";
        k += "const mp_i64 o = g / m.segments, segment = g - o * m.segments;\n";
        k += &self.start;
        k += &format!("{{ {ix} q = ({ix})o;\n{}}}\n", unravel(ix, "q", self.no, "m.no", &self.bases));
        k += self.segment();
        k += &format!("{t} acc = {identity};\n");
        if *compensated {
            k += &format!("{t} comp = 0;\n");
        }
        if ls == 1 {
            let lanes = (128 / acc.size()).max(4);
            let block = lanes * 16;
            k += "for (mp_i64 r = r0; r < r1; ) {\n";
            k += &self.begin;
            if self.ni == 1 {
                k += "const mp_i64 first = r, run = r1 - r;\n";
            } else {
                let last = self.ni - 1;
                k += &format!(
                    "{ix} q = ({ix})r / ({ix})m.ni[{last}]; const mp_i64 first = r - (mp_i64)q * m.ni[{last}];\n"
                );
                k += &format!("mp_i64 run = m.ni[{last}] - first; if (run > r1 - r) run = r1 - r;\n");
                k += &unravel(ix, "q", last, "m.ni", &self.inner);
            }
            for (v, (_, step)) in self.steps.iter().enumerate() {
                if *step != Step::Zero {
                    k += &format!("p{v} += first * t{v};\n");
                }
            }
            k += &format!("mp_i64 x = 0;\nwhile (x + {lanes} <= run) {{\n{t} lane[{lanes}];\n");
            k += &format!("const int rounds = run - x >= {block} ? 16 : (int)((run - x) / {lanes});\n");
            k += &format!("for (int l = 0; l < {lanes}; ++l) lane[l] = {identity};\n");
            k += &format!(
                "for (int h = 0; h < rounds; ++h) for (int l = 0; l < {lanes}; ++l) {{ const mp_i64 j = x + h * {lanes} + l; {} }}\n",
                fold_into("lane[l]")
            );
            k += &format!("x += rounds * {lanes};\n");
            k += &format!(
                "for (int s = {}; s > 0; s >>= 1) for (int l = 0; l < s; ++l) lane[l] = {combine}(lane[l], lane[l + s]);\n",
                lanes / 2
            );
            k += &self.text.running("acc", "comp", "lane[0]");
            k += &format!(
                "}}\n{t} rest = {identity};\nfor (; x < run; ++x) {{ const mp_i64 j = x; {} }}\n",
                fold_into("rest")
            );
            k += &self.text.running("acc", "comp", "rest");
            k += "r += run;\n}\n";
        } else {
            k += &format!(
                "for (mp_i64 block = r0 + MP_LID(0); block < r1; block += {}) {{\n{t} part = {identity};\n",
                ls * 16
            );
            k += &format!(
                "for (int h = 0; h < 16; ++h) {{ const mp_i64 r = block + h * {ls}; if (r < r1) {{\n{}",
                self.begin
            );
            k += &format!("{ix} q = ({ix})r;\n{}", unravel(ix, "q", self.ni, "m.ni", &self.inner));
            k += &format!("{}}} }}\n", fold_into("part"));
            k += &self.text.running("acc", "comp", "part");
            k += "}\n";
            k += &format!(
                "shared_[MP_LID(0)] = acc; MP_BARRIER();\nfor (int s = {}; s > 0; s >>= 1) {{\n",
                ls / 2
            );
            k += &format!(
                "if ((int)MP_LID(0) < s) shared_[MP_LID(0)] = {combine}(shared_[MP_LID(0)], shared_[MP_LID(0) + s]);\nMP_BARRIER(); }}\n"
            );
        }
        let (value, guard) = if ls == 1 { ("acc", "") } else { ("shared_[0]", "if (MP_LID(0) == 0) ") };
        k += &format!("{guard}{{ const {t} value = {value}; out[{}] = {}; }}\n", self.target, self.stored);
        if ls > 1 {
            k += "MP_BARRIER();\n";
        }
        k + "}\n"
    }
    fn column(&self, ls: usize, acc: DType, fold_into: &dyn Fn(&str) -> String) -> String {
        let Text { acc: t, identity, compensated, .. } = &self.text;
        let (ix, no) = (self.ix, self.no);
        let w = width(ls, acc);
        let mut k = String::new();
        let last = no - 1;
        if ls == 1 {
            k += &format!(
                "const mp_i64 blocks = (m.no[{last}] + {}) / {w}, items = m.count / m.no[{last}] * blocks;\n",
                w - 1
            );
            k += "mp_i64 g1 = (MP_GROUP(0) + 1) * m.per; if (g1 > items * m.segments) g1 = items * m.segments;\n";
            k += "for (mp_i64 g = MP_GROUP(0) * m.per; g < g1; ++g) {\n";
            k += "const mp_i64 segment = g / items, item = g - segment * items;\n";
            k += &self.start;
            k += &format!(
                "{ix} q = ({ix})(item / blocks); const mp_i64 first = (item - (mp_i64)q * blocks) * {w}, o = (mp_i64)q * m.no[{last}] + first;\n"
            );
            k += &format!(
                "const int width = (int)(m.no[{last}] - first < {w} ? m.no[{last}] - first : {w});\n"
            );
            k += &unravel(ix, "q", last, "m.no", &self.bases);
            for (b, s) in &self.bases {
                k += &format!("{b} += first * {s}[{last}];\n");
            }
        } else {
            k += &format!(
                "const mp_i64 items = m.count, tasks = items * m.segments, stride = (mp_i64)MP_GROUPS(0) * {ls};\n"
            );
            k += &format!(
                "for (mp_i64 g = (mp_i64)MP_GROUP(0) * {ls} + MP_LID(0); g < tasks; g += stride) {{\n"
            );
            k += "const mp_i64 segment = g / items, o = g - segment * items;\n";
            k += &self.start;
            k += &format!("{{ {ix} q = ({ix})o;\n{}}}\n", unravel(ix, "q", no, "m.no", &self.bases));
        }
        k += self.segment();
        let each_output = if ls == 1 {
            "for (int j = 0; j < width; ++j)".to_string()
        } else {
            "for (int j = 0; j < 1; ++j)".to_string()
        };
        k += &format!("{t} total[{w}], part[{w}];\n{each_output} total[j] = {identity};\n");
        if *compensated {
            k += &format!("{t} comp[{w}];\n{each_output} comp[j] = 0;\n");
        }
        k += &format!(
            "for (mp_i64 block = r0; block < r1; block += 32) {{\n{each_output} part[j] = {identity};\n"
        );
        k +=
            "const mp_i64 end = block + 32 < r1 ? block + 32 : r1;\nfor (mp_i64 r = block; r < end; ++r) {\n";
        k += &self.begin;
        k += &format!("{ix} q_r = ({ix})r;\n{}", unravel(ix, "q_r", self.ni, "m.ni", &self.inner));
        let each = fold_into("part[j]");
        k += &format!(
            "{each_output} {each}\n}}\n{each_output} {{ {} }}\n}}\n",
            self.text.running("total[j]", "comp[j]", "part[j]")
        );
        let place = match (ls == 1, self.target) {
            (true, "bo") => format!("bo + j * m.so[{}][{last}]", self.steps.len()),
            (true, scratch) => format!("{scratch} + j"),
            (false, target) => target.to_string(),
        };
        k +=
            &format!("{each_output} {{ const {t} value = total[j]; out[{place}] = {}; }}\n}}\n", self.stored);
        k
    }
}
