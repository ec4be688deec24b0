//! Files of several arrays by name, NumPy's `.npz`: `np.load` reads what [`save`] writes, and [`load`] reads what `np.savez` and
//! `np.savez_compressed` write. With the feature `npz`.
//!
//! Such a file is a ZIP archive of `.npy` files (the library `zip`), stored as they are when written here.

use crate::npy::{self, failed};
use crate::{Array, Result, bail, memory};
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;
use zip::write::{FileOptions, ZipWriter};
use zip::{CompressionMethod, ZipArchive};

/// The name of a member, its ending and what is noted beside them have to fit in 64 KiB.
const LONGEST_NAME: usize = u16::MAX as usize - 128;

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
/// As [`npy::save`]; [`ErrorKind::Value`](crate::ErrorKind::Value) for a name that is given twice, or is too long. No file is made then.
pub fn save<'a>(
    path: impl AsRef<Path>,
    arrays: impl IntoIterator<Item = (&'a str, &'a Array)>,
) -> Result<()> {
    let path = path.as_ref();
    // What can fail for another reason comes before the file is made.
    let mut members: Vec<(&str, Vec<u8>)> = Vec::new();
    for (name, a) in arrays {
        if members.iter().any(|(n, _)| *n == name) {
            bail!(Value, "save: '{name}' is the name of two arrays");
        }
        if name.len() > LONGEST_NAME {
            bail!(Value, "save: a name of {} bytes is too long for an archive", name.len());
        }
        memory::push(&mut members, (name, npy::encoded(a)?))?;
    }
    let write = || -> zip::result::ZipResult<()> {
        let mut archive = ZipWriter::new(BufWriter::new(File::create(path)?));
        for (name, data) in &members {
            let large = data.len() as u64 > u64::from(u32::MAX);
            let options =
                FileOptions::<()>::default().compression_method(CompressionMethod::Stored).large_file(large);
            archive.start_file(format!("{name}.npy"), options)?;
            archive.write_all(data)?;
        }
        Ok(archive.finish()?.flush()?)
    };
    write().map_err(|e| failed("save", &path.display().to_string(), &e))
}

/// Reads a file of [`save`], `np.savez` or `np.savez_compressed` onto the current device: names and arrays in the order of the
/// file. All of it or nothing: where members may be of other kinds, [`open`] reads those that are wanted.
///
/// # Errors
/// As [`open`] and [`Archive::array`].
pub fn load(path: impl AsRef<Path>) -> Result<Vec<(String, Array)>> {
    let mut archive = open(path)?;
    let mut all = memory::list(archive.names.len())?;
    for i in 0..archive.names.len() {
        let a = archive.member(i)?;
        all.push((archive.names[i].clone(), a));
    }
    Ok(all)
}

/// An open file, whose members are read when they are asked for, as by NumPy. Members that hold no array we have (strings, objects,
/// files of another kind) are errors of their own only.
pub struct Archive {
    place: String,
    names: Vec<String>,
    archive: ZipArchive<BufReader<File>>,
}

/// Opens a file of [`save`], `np.savez` or `np.savez_compressed`.
///
/// ```
/// use minpy_core::{Array, npz};
/// use minpy_cpu as _;
/// # fn main() -> minpy_core::Result<()> {
/// # let path = std::env::temp_dir().join(format!("minpy-open-{}.npz", std::process::id()));
/// # npz::save(&path, [("bias", &Array::from([0.5, 0.25]))])?;
/// let mut file = npz::open(&path)?;
/// assert_eq!(file.names(), ["bias"]);
/// assert_eq!(file.array("bias")?.to_vec::<f64>()?, [0.5, 0.25]);
/// # std::fs::remove_file(path).ok();
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`ErrorKind::Runtime`](crate::ErrorKind::Runtime) where the file cannot be read, is no archive, or a damaged one.
pub fn open(path: impl AsRef<Path>) -> Result<Archive> {
    let path = path.as_ref();
    let place = path.display().to_string();
    let file = File::open(path).map_err(|e| failed("load", &place, &e))?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|e| failed("load", &place, &e))?;
    let mut names = memory::list(archive.len())?;
    for i in 0..archive.len() {
        // Without unpacking: how a member is packed is its own matter.
        let member = archive.by_index_raw(i).map_err(|e| failed("load", &place, &e))?;
        let name = member.name().map_err(|e| failed("load", &place, &e))?.into_owned();
        names.push(name.strip_suffix(".npy").map(String::from).unwrap_or(name));
    }
    Ok(Archive { place, names, archive })
}

impl Archive {
    /// The names of the members, in the order of the file.
    pub fn names(&self) -> &[String] {
        &self.names
    }
    /// Reads the array of that name onto the current device.
    ///
    /// # Errors
    /// [`ErrorKind::Value`](crate::ErrorKind::Value) for a name that the file does not have, and for a member that is no array; else as
    /// [`npy::load`].
    pub fn array(&mut self, name: &str) -> Result<Array> {
        match self.names.iter().position(|n| n == name) {
            Some(i) => self.member(i),
            None => bail!(Value, "load: {name} is not a file in the archive {}", self.place),
        }
    }
    fn member(&mut self, i: usize) -> Result<Array> {
        let mut place = format!("{}: {}", self.place, self.names[i]);
        let mut member = self.archive.by_index(i).map_err(|e| failed("load", &place, &e))?;
        if let Ok(file) = member.name() {
            place = format!("{}: {file}", self.place);
        }
        let a = npy::read(&mut member).map_err(|e| e.context(&place))?;
        // The checksum stands behind the data: reading on to the end compares it.
        match std::io::copy(&mut member, &mut std::io::sink()) {
            Ok(0) => Ok(a),
            Ok(n) => bail!(Value, "load: {place}: {n} bytes too many"),
            Err(e) => Err(failed("load", &place, &e)),
        }
    }
}
