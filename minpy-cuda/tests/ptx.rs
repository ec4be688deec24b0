//! Every CUDA kernel compiles to PTX, without a GPU.
//!
//! Needs NVRTC (Python package `nvidia-cuda-nvrtc`, its `lib` folder on `LD_LIBRARY_PATH`); without it the test says so and
//! passes, unless MINPY_REQUIRE_NVRTC=1.

use minpy_core::DType;
use std::collections::{BTreeMap, HashSet};

/// What is left to the host: complex inverse functions. Everything else must have a kernel.
const UNSUPPORTED: [&str; 6] = ["arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh"];

#[test]
fn every_form_has_a_kernel_for_every_dtype() {
    let sources = minpy_cuda::all_kernel_sources();
    let unexpected: Vec<_> = sources
        .unsupported
        .iter()
        .filter(|(name, _)| {
            !name
                .split_once(' ')
                .is_some_and(|(op, dtype)| UNSUPPORTED.contains(&op) && dtype.starts_with("complex"))
        })
        .collect();
    assert!(unexpected.is_empty(), "without a kernel: {unexpected:?}");
    for form in ["add", "where", "cast", "reduce", "scan", "arg_reduce", "matmul", "gather", "scatter"] {
        for dtype in DType::ALL {
            let has = |(name, _): &(String, String)| {
                let mut words = name.split(' ');
                words.next() == Some(form) && words.any(|w| w == dtype.name())
            };
            assert!(sources.texts.iter().any(has), "no {form} of {dtype}");
        }
    }
    assert!(sources.texts.iter().any(|(name, _)| name.starts_with("random_bits")));
}

#[test]
fn every_kernel_compiles_to_ptx() {
    let sources = minpy_cuda::all_kernel_sources().texts;
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
    let distinct: Vec<_> = sources.iter().filter(|(_, text)| seen.insert(text)).collect();
    let mut preludes: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for (name, text) in distinct {
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
