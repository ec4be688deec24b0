//! Archives of arrays: those that NumPy wrote (`np.savez(path, a=np.arange(6.0).reshape(2, 3), b=np.int16(7))` and
//! `np.savez_compressed`), and what is no archive.

use minpy_core::{Array, DType, ErrorKind, npz, ops};
use minpy_cpu as _;

#[test]
fn reads_what_numpy_writes_and_writes_the_same_members() {
    let dir = std::env::temp_dir();
    for name in ["two.npz", "two_compressed.npz"] {
        let read = npz::load(format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let names: Vec<&str> = read.iter().map(|(n, _)| n.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(
            (read[0].1.shape(), read[0].1.to_vec::<f64>().unwrap()),
            (&[2, 3][..], (0..6).map(f64::from).collect())
        );
        assert_eq!(
            (read[1].1.dtype(), read[1].1.shape(), read[1].1.to_f64().unwrap()),
            (DType::I16, &[][..], 7.0)
        );
        let path = dir.join(format!("minpy-npz-{}-{name}", std::process::id()));
        npz::save(&path, read.iter().map(|(n, a)| (n.as_str(), a))).unwrap();
        let again = npz::load(&path).unwrap();
        assert_eq!(again[0].1.to_vec::<f64>().unwrap(), read[0].1.to_vec::<f64>().unwrap());
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn says_what_is_wrong() {
    let path = std::env::temp_dir().join(format!("minpy-npz-{}-bad", std::process::id()));
    let a = Array::from([1.0, 2.0]);
    assert_eq!(npz::save(&path, [("x", &a), ("x", &a)]).unwrap_err().kind(), ErrorKind::Value);
    let long = "n".repeat((64 << 10) - 128);
    assert_eq!(npz::save(&path, [(long.as_str(), &a)]).unwrap_err().kind(), ErrorKind::Value);
    assert!(!path.exists());
    npz::save(&path, [(&long[1..], &a)]).unwrap();
    assert_eq!(npz::load(&path).unwrap()[0].0, long[1..]);
    npz::save(&path, [("x", &ops::arange(0, 100, 1, DType::F64).unwrap())]).unwrap();
    let good = std::fs::read(&path).unwrap();
    for cut in [0, 10, good.len() / 2, good.len() - 1] {
        std::fs::write(&path, &good[..cut]).unwrap();
        npz::load(&path).unwrap_err();
    }
    let mut bad = good.clone();
    bad[500] ^= 1; // in the elements: only the checksum knows
    std::fs::write(&path, bad).unwrap();
    assert!(npz::load(&path).unwrap_err().message().contains("x.npy"));
    std::fs::remove_file(&path).unwrap();
    npz::load(&path).unwrap_err();
    npz::save(&path, []).unwrap();
    assert!(npz::load(&path).unwrap().is_empty());
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn members_are_read_one_by_one() {
    let path = format!("{}/tests/data/mixed.npz", env!("CARGO_MANIFEST_DIR"));
    let mut file = npz::open(&path).unwrap();
    assert_eq!(file.names(), ["words", "before", "readme.txt", "after"]);
    assert_eq!(file.array("before").unwrap().to_vec::<f64>().unwrap(), [1.5, 2.5]);
    assert_eq!(file.array("words").unwrap_err().kind(), ErrorKind::Type);
    assert_eq!(file.array("readme.txt").unwrap_err().kind(), ErrorKind::Value);
    assert_eq!(file.array("after").unwrap().to_vec::<i64>().unwrap(), [7]);
    assert_eq!(file.array("nothing").unwrap_err().kind(), ErrorKind::Value);
    assert!(npz::load(&path).unwrap_err().message().contains("words.npy"));
}
