//! Compiled kernels on disk, by source and device.
//!
//! The cache lives under `MINPY_CACHE_DIR` (empty: no cache), else `XDG_CACHE_HOME/minpy`, else `~/.cache/minpy`. It is a
//! convenience: whatever goes wrong there is ignored. A file carries the text that it was compiled from and a checksum of
//! the kernel, so that neither a collision nor a damaged file reaches the driver, which trusts what it loads.

use std::collections::hash_map::DefaultHasher;
use std::env::var_os;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

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
        match base {
            Some(base) => DiskCache::at(base.join(name), identity),
            None => DiskCache::none(),
        }
    }
    /// A cache in that folder, which is made; none where that fails.
    pub fn at(directory: PathBuf, identity: String) -> DiskCache {
        let directory = Some(directory).filter(|d| std::fs::create_dir_all(d).is_ok());
        DiskCache { directory, identity }
    }
    /// A cache that keeps nothing.
    pub fn none() -> DiskCache {
        DiskCache { directory: None, identity: String::new() }
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
        let body = length.checked_add(16)?;
        let (sum, text, compiled) = (bytes.get(8..16)?, bytes.get(16..body)?, &bytes[body..]);
        (text == key.as_bytes() && sum == checksum(compiled)).then(|| compiled.to_vec())
    }
    /// Stores the compiled form of a source; written under another name and moved, so that no reader sees half a file.
    pub fn save(&self, source: &str, compiled: &[u8]) {
        let key = self.key(source);
        let Some(file) = self.file(&key).filter(|_| !compiled.is_empty()) else { return };
        let mut bytes = (key.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(&checksum(compiled));
        bytes.extend_from_slice(key.as_bytes());
        bytes.extend_from_slice(compiled);
        // Two devices of one model may save the same kernel at once.
        static SAVES: AtomicUsize = AtomicUsize::new(0);
        let temporary =
            file.with_extension(format!("{}.{}.tmp", std::process::id(), SAVES.fetch_add(1, Relaxed)));
        if std::fs::write(&temporary, bytes).is_ok() {
            let _ = std::fs::rename(&temporary, &file);
        }
    }
}

fn checksum(compiled: &[u8]) -> [u8; 8] {
    let mut h = DefaultHasher::new();
    compiled.hash(&mut h);
    h.finish().to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn damaged_files_are_not_loaded() {
        let directory = std::env::temp_dir().join(format!("minpy-cache-test-{}", std::process::id()));
        let cache = DiskCache::at(directory.clone(), "device".into());
        cache.save("source", b"kernel");
        assert_eq!(cache.load("source").as_deref(), Some(&b"kernel"[..]));
        assert_eq!(cache.load("other source"), None);
        let file = cache.file(&cache.key("source")).unwrap();
        let whole = std::fs::read(&file).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&file, &whole[..length]).unwrap();
            assert_eq!(cache.load("source"), None, "{length} bytes of {}", whole.len());
        }
        std::fs::remove_dir_all(directory).unwrap();
    }
}
