//! Compiled kernels on disk, by source and device.
//!
//! The cache lives under `MINPY_CACHE_DIR` (empty: no cache), else `XDG_CACHE_HOME/minpy`, else `~/.cache/minpy`. It is a
//! convenience: whatever goes wrong there is ignored. A file carries the text that it was compiled from, so that neither
//! a collision nor a damaged head is taken for the right kernel.

use std::collections::hash_map::DefaultHasher;
use std::env::var_os;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;

/// The files of one kind of device.
#[derive(Debug)]
pub struct DiskCache {
    directory: Option<PathBuf>,
    /// Everything beside the source that a compiled kernel depends on: device, driver, options.
    identity: String,
}

impl DiskCache {
    /// The cache of device kind `name` for compilations that `identity` describes.
    pub fn new(name: &str, identity: String) -> DiskCache {
        let base = match var_os("MINPY_CACHE_DIR") {
            Some(d) if d.is_empty() => None,
            Some(d) => Some(PathBuf::from(d)),
            None => match var_os("XDG_CACHE_HOME").filter(|d| !d.is_empty()) {
                Some(d) => Some(PathBuf::from(d).join("minpy")),
                None => var_os("HOME").map(|d| PathBuf::from(d).join(".cache").join("minpy")),
            },
        };
        let directory = base.map(|b| b.join(name)).filter(|d| std::fs::create_dir_all(d).is_ok());
        DiskCache { directory, identity }
    }
    fn key(&self, source: &str) -> String {
        format!("{}\n{source}", self.identity)
    }
    fn file(&self, key: &str) -> Option<PathBuf> {
        let digest = |salt: u8| {
            let mut h = DefaultHasher::new();
            (salt, key).hash(&mut h);
            h.finish()
        };
        Some(self.directory.as_ref()?.join(format!("{:016x}{:016x}.bin", digest(0), digest(1))))
    }
    /// What `save` stored for that source.
    pub fn load(&self, source: &str) -> Option<Vec<u8>> {
        let key = self.key(source);
        let bytes = std::fs::read(self.file(&key)?).ok()?;
        let length = u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?) as usize;
        let end = length.checked_add(8)?;
        (bytes.get(8..end)? == key.as_bytes() && bytes.len() > end).then(|| bytes[end..].to_vec())
    }
    /// Stores the compiled form of a source; written under another name and moved, so that no reader sees half a file.
    pub fn save(&self, source: &str, compiled: &[u8]) {
        let key = self.key(source);
        let Some(file) = self.file(&key).filter(|_| !compiled.is_empty()) else { return };
        let mut bytes = (key.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(key.as_bytes());
        bytes.extend_from_slice(compiled);
        let temporary = file.with_extension(format!("{}.tmp", std::process::id()));
        if std::fs::write(&temporary, bytes).is_ok() {
            let _ = std::fs::rename(&temporary, &file);
        }
    }
}
