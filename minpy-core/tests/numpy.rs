//! Files and prints of Rust programs are NumPy's: `tests/python/test_rust_files.py` made what lies in `data`, and checks that
//! NumPy still does.

use minpy_core::{Array, DType, ErrorKind, index, npy, ops};
use minpy_cpu as _;
use std::fs;
use std::path::PathBuf;

fn data(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file)
}
/// Name, what `print` shows, and what `repr` shows between the brackets.
fn printed() -> Vec<(String, String, String)> {
    let text = fs::read_to_string(data("printed.txt")).unwrap();
    let cases = text.strip_prefix("== ").unwrap().split("\n== ");
    cases
        .map(|case| {
            let (name, rest) = case.split_once('\n').unwrap();
            let (print, repr) = rest.split_once("\n--\n").unwrap();
            (name.to_string(), print.to_string(), repr.trim_end_matches('\n').to_string())
        })
        .collect()
}

#[test]
fn arrays_print_as_numpy_prints_them() {
    let cases = printed();
    assert!(cases.len() > 40);
    let mut wrong = Vec::new();
    for (name, print, repr) in cases {
        let a = npy::load(data(&format!("{name}.npy"))).unwrap();
        if name.starts_with("rows_") {
            // Each row by itself, and its first number alone.
            for (i, (print, repr)) in print.split("\n~\n").zip(repr.split("\n~\n")).enumerate() {
                let row = a.get(&index![i as i64]).unwrap();
                let first = row.get(&index![0]).unwrap().item().unwrap();
                let debug = format!("{row:?}").rsplit_once(", shape=").unwrap().0.replacen("Array(", "", 1);
                for (ours, theirs) in
                    [(format!("{row} | {first}"), print), (format!("{debug} | {first}"), repr)]
                {
                    if ours != theirs {
                        wrong.push(format!("{name}, row {i}: {ours}\nNumPy: {theirs}"));
                    }
                }
            }
            assert_eq!(print.split("\n~\n").count(), a.shape()[0]);
            continue;
        }
        let shape = format!("{:?}", a.shape()).replace(['[', ']'], "");
        let comma = if a.ndim() == 1 { "," } else { "" };
        let debug = format!("Array({repr}, shape=({shape}{comma}), dtype={}, device=cpu(0))", a.dtype());
        let near = |s: &str| s.replace(' ', "");
        if a.to_string() != print {
            wrong.push(format!("{name}:\n{a}\nNumPy:\n{print}"));
        }
        if near(&format!("{a:?}")) != near(&debug) || !format!("{a:?}").starts_with(&format!("Array({repr}"))
        {
            wrong.push(format!("{name}:\n{a:?}\nNumPy:\n{debug}"));
        }
        // Views print like what they show.
        let strided = ops::copy(&a.t()).unwrap().t();
        if strided.to_string() != print {
            wrong.push(format!("{name}, in another order:\n{strided}\nNumPy:\n{print}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn files_are_numpys_byte_for_byte() {
    let mut files = 0;
    for (name, ..) in printed() {
        let bytes = fs::read(data(&format!("{name}.npy"))).unwrap();
        let a = npy::load(data(&format!("{name}.npy"))).unwrap();
        let mut again = Vec::new();
        npy::write(&mut again, &a).unwrap();
        if name.starts_with("big_endian") || name == "fortran" {
            // Written in C order and little-endian: other bytes, the same array.
            let b = npy::read(&mut &again[..]).unwrap();
            assert_eq!(
                (b.shape(), b.dtype(), b.to_bytes().unwrap()),
                (a.shape(), a.dtype(), a.to_bytes().unwrap())
            );
        } else {
            assert!(again == bytes, "{name}: {:?}", String::from_utf8_lossy(&again[..again.len().min(128)]));
        }
        files += 1;
    }
    let there = fs::read_dir(data("")).unwrap().map(|f| f.unwrap().path());
    assert_eq!(files, there.filter(|f| f.extension().is_some_and(|e| e == "npy")).count());
    let big = npy::load(data("big_endian.npy")).unwrap();
    assert_eq!(big.to_vec::<f64>().unwrap(), [1.5, -2.0, 1e300]);
    let turned = npy::load(data("fortran.npy")).unwrap();
    assert_eq!(turned.to_vec::<f64>().unwrap(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    assert_eq!(turned.layout().strides(), [1, 2]);
}

#[test]
fn bad_files_are_errors() {
    let good = fs::read(data("int32.npy")).unwrap();
    // Cut anywhere.
    for n in 0..good.len() {
        let e = npy::read(&mut &good[..n]).unwrap_err();
        assert!(matches!(e.kind(), ErrorKind::Value | ErrorKind::Runtime), "{n}: {e:?}");
    }
    // Any byte of the header changed: an error or an array, no panic and no memory for what a shape promises.
    for i in 0..128 {
        for byte in [0, b'9', b'(', b'\'', 0xff] {
            let mut bad = good.clone();
            bad[i] = byte;
            let _ = npy::read(&mut &bad[..]);
        }
    }
    let with = |shape: &str| {
        let text = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut all = b"\x93NUMPY\x01\x00".to_vec();
        all.extend((text.len() as u16).to_le_bytes());
        all.extend(text.as_bytes());
        npy::read(&mut &all[..]).unwrap_err()
    };
    for shape in ["(1099511627776,)", "(4294967296, 4294967296, 4294967296)", "(-1,)", "3", "(3)", "()"] {
        assert_eq!(with(shape).kind(), ErrorKind::Value, "{shape}: {:?}", with(shape));
    }
    // Whatever names a dtype for NumPy.
    for (descr, values) in
        [("<f4", [1.0, 2.0]), ("f4", [1.0, 2.0]), ("=f4", [1.0, 2.0]), ("float32", [1.0, 2.0])]
    {
        let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (2,), }}\n");
        let mut all = b"\x93NUMPY\x01\x00".to_vec();
        all.extend((text.len() as u16).to_le_bytes());
        all.extend(text.as_bytes());
        values.iter().for_each(|&v: &f32| all.extend(v.to_ne_bytes()));
        assert_eq!(npy::read(&mut &all[..]).unwrap().to_vec::<f32>().unwrap(), values, "{descr}");
    }
    let e = npy::load(data("nothing.npy")).unwrap_err();
    assert!(e.kind() == ErrorKind::Runtime && e.message().contains("nothing.npy"), "{e:?}");
    let e = npy::save(data("no/such/folder.npy"), &Array::from(1.0)).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Runtime);
}

#[test]
fn what_is_pending_is_computed_to_be_printed() {
    let x = ops::ones(&[300, 300], DType::F32).unwrap();
    let y = (&x + 1.0).get(&index![..2, ..3]).unwrap();
    assert_eq!(y.to_string(), "[[2. 2. 2.]\n [2. 2. 2.]]");
    assert_eq!(format!("{:.2}", Array::from([1.0 / 3.0, 2.0])), "[0.33 2.  ]");
    assert_eq!(y.sum(None, false).unwrap().item().unwrap().to_string(), "12.0");
}
