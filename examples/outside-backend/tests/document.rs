//! docs/adding-a-backend.md says what is true of the code.

use minpy_core::backend::Family;
use std::fs;
use std::path::Path;
use std::process::Command;

const PAGE: &str = include_str!("../../../docs/adding-a-backend.md");

#[test]
fn every_form_of_work_is_named() {
    let missing: Vec<_> =
        Family::ALL.iter().map(|f| f.name()).filter(|n| !PAGE.contains(&format!("`{n}`"))).collect();
    assert!(missing.is_empty(), "docs/adding-a-backend.md does not name {missing:?}");
    let (optional, needed): (Vec<_>, Vec<_>) = Family::ALL.into_iter().partition(|f| f.is_optional());
    assert!(needed.len() == 10 && PAGE.contains("There are ten *forms of work*"), "{needed:?}");
    assert!(optional.len() == 3 && PAGE.contains("Three more forms join"), "{optional:?}");
}

/// The manifest in the text, in a folder outside of the workspace: its dependencies are found there and resolve.
#[test]
fn the_manifest_resolves() {
    let manifest = PAGE.split("```toml\n").nth(1).and_then(|t| t.split("```").next()).expect("a manifest");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = std::env::temp_dir().join(format!("minpy-my-backend-{}", std::process::id()));
    fs::create_dir_all(folder.join("src")).unwrap();
    let manifest = manifest.replace("../minpy", &root.canonicalize().unwrap().to_string_lossy());
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::write(folder.join("src/lib.rs"), "").unwrap();
    // The versions that are tested here, and so no network.
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let ran = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--manifest-path"])
        .arg(folder.join("Cargo.toml"))
        .output()
        .unwrap();
    fs::remove_dir_all(&folder).unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}
