//! Files of several arrays by name, NumPy's `.npz`: `np.load` reads what [`save`] writes, and [`load`] reads what `np.savez`
//! writes.
//!
//! Such a file is a ZIP archive (PKWARE's APPNOTE.TXT, 4.3) of `.npy` files that are stored as they are. What
//! `np.savez_compressed` writes, and archives from 4 GiB on, are errors that say so.

use crate::npy::{self, exactly, failed};
use crate::{Array, Result, bail, memory};
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END_BYTES: u64 = 22;
/// 1 January 1980, the first day of the format: the same arrays make the same file.
const DATE: u16 = 0x21;
/// Names are UTF-8.
const UTF8: u16 = 1 << 11;

/// Writes arrays to a file, each under its name. No ending is added to the path.
///
/// ```
/// use minpy_core::{Array, npz};
/// use minpy_cpu as _;
/// # fn main() -> minpy_core::Result<()> {
/// let path = std::env::temp_dir().join(format!("minpy-{}.npz", std::process::id()));
/// let (w, b) = (Array::from([[1.5, 2.0], [3.0, 4.0]]), Array::from([0.5, 0.25]));
/// npz::save(&path, [("weight", &w), ("bias", &b)])?;
/// let read = npz::load(&path)?; // in the order of the file
/// assert_eq!(read[1].0, "bias");
/// assert_eq!(read[1].1.to_vec::<f64>()?, [0.5, 0.25]);
/// # std::fs::remove_file(path).ok();
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`npy::save`]; [`ErrorKind::Value`](crate::ErrorKind::Value) for a name that is given twice, and for more than the
/// format has room for.
pub fn save<'a>(path: impl AsRef<Path>, arrays: impl IntoIterator<Item = (&'a str, &'a Array)>) -> Result<()> {
    let path = path.as_ref();
    let wrong = |e: std::io::Error| failed("save", &path.display().to_string(), &e);
    let mut file = None;
    let (mut directory, mut at) = (Vec::new(), 0u32);
    let mut names: Vec<&str> = Vec::new();
    for (name, a) in arrays {
        if names.contains(&name) || name.len() > u16::MAX as usize - 4 || names.len() == u16::MAX as usize {
            bail!(Value, "save: '{name}' is the name of another array, too long, or one too many");
        }
        memory::push(&mut names, name)?;
        let data = npy::encoded(a)?;
        let size = 30 + name.len() as u64 + 4 + data.len() as u64;
        let (Ok(bytes), Some(next)) =
            (u32::try_from(data.len()), u32::try_from(size).ok().and_then(|n| at.checked_add(n)))
        else {
            bail!(Value, "save: an archive of 4 GiB or more; write each array with npy::save");
        };
        let sum = crc32(&data);
        let mut entry = Vec::new();
        for word in [20, UTF8, 0, 0, DATE] {
            entry.extend(word.to_le_bytes());
        }
        for word in [sum, bytes, bytes] {
            entry.extend(word.to_le_bytes());
        }
        entry.extend((name.len() as u16 + 4).to_le_bytes());
        entry.extend([0; 2]);
        // What can fail for another reason comes before the file is made.
        let file = match &mut file {
            Some(file) => file,
            None => file.insert(BufWriter::new(File::create(path).map_err(wrong)?)),
        };
        for part in [&LOCAL.to_le_bytes(), &entry[..], name.as_bytes(), b".npy", &data] {
            file.write_all(part).map_err(wrong)?;
        }
        memory::grow(&mut directory, 50 + name.len())?;
        directory.extend(CENTRAL.to_le_bytes());
        directory.extend(20u16.to_le_bytes());
        directory.extend(&entry);
        directory.extend([0; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(name.as_bytes());
        directory.extend(b".npy");
        at = next;
    }
    let mut file = match file {
        Some(file) => file,
        None => BufWriter::new(File::create(path).map_err(wrong)?),
    };
    let Ok(length) = u32::try_from(directory.len()) else { bail!(Value, "save: too many arrays") };
    let count = (names.len() as u16).to_le_bytes();
    let end = [&END.to_le_bytes()[..], &[0; 4], &count, &count, &length.to_le_bytes(), &at.to_le_bytes(), &[0; 2]];
    file.write_all(&directory).map_err(wrong)?;
    file.write_all(&end.concat()).map_err(wrong)?;
    file.flush().map_err(wrong)
}

/// Reads a file of [`save`] or `np.savez` onto the current device: names and arrays in the order of the file.
///
/// # Errors
/// As [`npy::load`]; [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) for compressed members.
pub fn load(path: impl AsRef<Path>) -> Result<Vec<(String, Array)>> {
    let path = path.as_ref();
    let name = path.display().to_string();
    let file = File::open(path).map_err(|e| failed("load", &name, &e))?;
    read(&mut BufReader::new(file)).map_err(|e| e.context(&name))
}

fn read(from: &mut (impl Read + Seek)) -> Result<Vec<(String, Array)>> {
    let wrong = |e: std::io::Error| failed("load", "the archive", &e);
    let length = from.seek(SeekFrom::End(0)).map_err(wrong)?;
    // The end record is last; behind it stands at most a comment of 64 KiB.
    let tail = length.min(END_BYTES + u16::MAX as u64);
    from.seek(SeekFrom::Start(length - tail)).map_err(wrong)?;
    let bytes = exactly(from, tail)?;
    let Some(end) = bytes.windows(4).rposition(|w| w == END.to_le_bytes()) else {
        bail!(Value, "load: no .npz file (it has no end record)");
    };
    let end = Fields(&bytes[end..]);
    let (count, size, start) = (end.short(10)?, end.long(12)?, end.long(16)?);
    from.seek(SeekFrom::Start(start as u64)).map_err(wrong)?;
    let directory = exactly(from, size as u64)?;
    let mut entry = Fields(&directory);
    let mut all = memory::list(count as usize)?;
    for _ in 0..count {
        if entry.long(0)? != CENTRAL {
            bail!(Value, "load: the directory of the archive is damaged");
        }
        let (method, sum, size, at) = (entry.short(10)?, entry.long(16)?, entry.long(20)?, entry.long(42)?);
        let (named, more) = (entry.short(28)? as usize, entry.short(30)? as usize + entry.short(32)? as usize);
        let name = String::from_utf8_lossy(entry.part(46, named)?).into_owned();
        if size == u32::MAX || at == u32::MAX {
            bail!(Unsupported, "load: '{name}' is of 4 GiB or more");
        }
        if method != 0 {
            bail!(Unsupported, "load: '{name}' is compressed; np.savez writes arrays as they are");
        }
        // The local header has further fields of its own length.
        from.seek(SeekFrom::Start(at as u64)).map_err(wrong)?;
        let local = exactly(from, 30)?;
        let local = Fields(&local);
        if local.long(0)? != LOCAL {
            bail!(Value, "load: '{name}' is not where the directory says");
        }
        exactly(from, local.short(26)? as u64 + local.short(28)? as u64)?;
        let data = exactly(from, size as u64)?;
        if crc32(&data) != sum {
            bail!(Value, "load: '{name}' is damaged (bad CRC-32)");
        }
        let a = npy::read(&mut &data[..]).map_err(|e| e.context(&name))?;
        all.push((name.strip_suffix(".npy").unwrap_or(&name).to_string(), a));
        entry = Fields(entry.rest(46 + named + more)?);
    }
    Ok(all)
}

/// Bytes of a record, read at fixed places.
struct Fields<'a>(&'a [u8]);
impl<'a> Fields<'a> {
    fn rest(&self, at: usize) -> Result<&'a [u8]> {
        match self.0.get(at..) {
            Some(rest) => Ok(rest),
            None => bail!(Value, "load: a record of the archive is cut short"),
        }
    }
    fn part(&self, at: usize, n: usize) -> Result<&'a [u8]> {
        match self.0.get(at..at + n) {
            Some(part) => Ok(part),
            None => bail!(Value, "load: a record of the archive is cut short"),
        }
    }
    fn short(&self, at: usize) -> Result<u16> {
        self.part(at, 2).map(|b| u16::from_le_bytes([b[0], b[1]]))
    }
    fn long(&self, at: usize) -> Result<u32> {
        self.part(at, 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }
}

/// The checksum of ZIP, ISO 3309: polynomial 0xEDB88320, reflected.
fn crc32(data: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut i = 0;
        while i < 256 {
            let (mut c, mut k) = (i as u32, 0);
            while k < 8 {
                c = if c & 1 == 1 { 0xedb8_8320 ^ (c >> 1) } else { c >> 1 };
                k += 1;
            }
            table[i] = c;
            i += 1;
        }
        table
    };
    !data.iter().fold(!0, |c, &b| TABLE[(c as u8 ^ b) as usize] ^ (c >> 8))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!((super::crc32(b"123456789"), super::crc32(b"")), (0xcbf4_3926, 0));
    }
}
