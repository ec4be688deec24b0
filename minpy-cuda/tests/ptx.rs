//! Every CUDA kernel compiles to PTX, without a GPU.
//!
//! Needs NVRTC (Python package `nvidia-cuda-nvrtc`, its `lib` folder on `LD_LIBRARY_PATH`); without it the test says so and
//! passes, unless MINPY_REQUIRE_NVRTC=1.

use minpy_core::DType;
use minpy_core::backend::Family;
use minpy_core::backend::codegen::{FAMILIES, Rendered, Sources, Tuning, sources};
use std::collections::{BTreeMap, HashSet};

/// What is left to the host: complex inverse functions. Everything else must have a kernel.
const UNSUPPORTED: [&str; 6] = ["arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh"];

fn all() -> Sources {
    sources(&minpy_cuda::Cuda, Tuning::gpu(64))
}

#[test]
fn every_form_has_a_kernel_for_every_dtype() {
    let all = all();
    let unexpected: Vec<_> = all
        .unsupported
        .iter()
        .filter(|(s, _)| {
            !(s.dtype.is_complex() && UNSUPPORTED.iter().any(|op| s.name.ends_with(&format!(" {op}"))))
        })
        .collect();
    assert!(unexpected.is_empty(), "without a kernel: {unexpected:?}");
    for family in FAMILIES {
        for dtype in DType::ALL {
            let has = all.texts.iter().any(|s| s.family == family && s.dtype == dtype);
            let none = match family {
                Family::RandomBits => dtype != DType::U32,
                Family::Rows => dtype == DType::F16,
                _ => false,
            };
            assert!(
                has != none,
                "{} of {dtype}: {}",
                family.name(),
                if has { "unexpected" } else { "missing" }
            );
        }
    }
}

#[test]
fn every_kernel_compiles_to_ptx() {
    let sources = all().texts;
    if !minpy_cuda::has_nvrtc() {
        assert!(
            std::env::var("MINPY_REQUIRE_NVRTC").as_deref() != Ok("1"),
            "MINPY_REQUIRE_NVRTC=1, and NVRTC is not found"
        );
        println!("skipped: NVRTC (libnvrtc) is not found");
        return;
    }
    // One compilation takes a batch of kernels, each in a namespace of its own: starting the compiler costs more than a kernel.
    let mut seen = HashSet::new();
    let distinct: Vec<_> = sources.iter().filter(|s| seen.insert(&s.text)).collect();
    let mut preludes: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for Rendered { name, text, .. } in distinct {
        let end = text.rfind("#define").and_then(|i| text[i..].find('\n').map(|j| i + j + 1)).unwrap_or(0);
        preludes.entry(&text[..end]).or_default().push((name, &text[end..]));
    }
    let (mut count, mut failures) = (0, Vec::new());
    for (prelude, kernels) in preludes {
        for batch in kernels.chunks(40) {
            let body = |i: usize, text: &str| {
                format!(
                    "namespace n{i} {{\n{}\n}}\n",
                    text.replace("void __launch_bounds__", &format!("/*{i}*/ void __launch_bounds__"))
                )
            };
            let unit: String =
                batch.iter().enumerate().map(|(i, (_, text))| rename(&body(i, text), count + i)).collect();
            count += batch.len();
            match minpy_cuda::compile_ptx("batch", &format!("{prelude}{unit}")) {
                Ok(ptx) => assert_eq!(ptx.matches(".visible .entry").count(), batch.len()),
                // One by one, to name the culprit.
                Err(_) => failures.extend(batch.iter().filter_map(|(name, text)| {
                    let e = minpy_cuda::compile_ptx(name, &format!("{prelude}{text}")).err()?;
                    Some(format!("{name}: {e}"))
                })),
            }
        }
    }
    println!("{count} distinct kernels of {} compiled to PTX", sources.len());
    assert!(failures.is_empty(), "{} kernels do not compile; the first:\n{}", failures.len(), failures[0]);
}

/// Kernel functions are `extern "C"`: their names must differ within a unit.
fn rename(text: &str, number: usize) -> String {
    text.replacen(") mp_", &format!(") k{number}_mp_"), 1)
}
