//! Files of arrays in NumPy's format `.npy`: `np.load` reads what [`save`] writes, byte for byte as `np.save` writes it, and
//! [`load`] reads what `np.save` writes.
//!
//! The format is numpy/lib/_format_impl.py, versions 1 to 3. Crates for it bring a parser generator for a header of three
//! entries; it is read here by hand. Python programs use NumPy's own functions.

use crate::layout::{Dims, count, show};
use crate::{Array, DType, Error, ErrorKind, Result, bail, context, memory};
use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::Path;

const MAGIC: &[u8] = b"\x93NUMPY";
/// What NumPy reads at most of a header.
const LONGEST_HEADER: u64 = 10_000;
/// The data begins at a multiple of this.
const ALIGN: usize = 64;
/// NumPy leaves room for a first size of so many digits.
const SIZE_DIGITS: usize = 21;

/// Writes an array to a file, in C order. No ending is added to the path.
///
/// ```
/// use minpy_core::{Array, npy};
/// use minpy_cpu as _;
/// # fn main() -> minpy_core::Result<()> {
/// let path = std::env::temp_dir().join(format!("minpy-{}.npy", std::process::id()));
/// npy::save(&path, &Array::from([[1.5, 2.0], [3.0, 4.0]]))?;
/// assert_eq!(npy::load(&path)?.to_vec::<f64>()?, [1.5, 2.0, 3.0, 4.0]);
/// # std::fs::remove_file(path).ok();
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`ErrorKind::Runtime`] where the file cannot be written; what computing the values may fail with.
pub fn save(path: impl AsRef<Path>, a: &Array) -> Result<()> {
    let path = path.as_ref();
    // What can fail for another reason comes before the file is made.
    let all = encoded(a)?;
    std::fs::write(path, all).map_err(|e| failed("save", &path.display().to_string(), &e))
}
/// Reads a file of [`save`] or `np.save` onto the current device.
///
/// # Errors
/// [`ErrorKind::Runtime`] where the file cannot be read, [`ErrorKind::Value`] where it is no `.npy` file or ends too early,
/// [`ErrorKind::Type`] for dtypes that arrays do not have (strings, objects, records).
pub fn load(path: impl AsRef<Path>) -> Result<Array> {
    let path = path.as_ref();
    let name = path.display().to_string();
    let file = File::open(path).map_err(|e| failed("load", &name, &e))?;
    read(&mut BufReader::new(file)).map_err(|e| e.context(&name))
}
/// The same to what takes bytes: a buffer, a socket, a member of an archive.
///
/// # Errors
/// As [`save`].
pub fn write(to: &mut impl Write, a: &Array) -> Result<()> {
    to.write_all(&encoded(a)?).map_err(|e| failed("save", "the array", &e))
}
pub(crate) fn encoded(a: &Array) -> Result<Vec<u8>> {
    let mut all = header(a.shape(), a.dtype());
    let start = all.len();
    let bytes = a.size() * a.dtype().size();
    memory::grow(&mut all, bytes)
        .map_err(|e| e.context(&format!("save: a copy of an array with shape {}", show(a.shape()))))?;
    all.resize(start + bytes, 0);
    a.read_into(&mut all[start..])?;
    swap(&mut all[start..], a.dtype(), cfg!(target_endian = "big"));
    Ok(all)
}
/// The next array of what gives bytes.
///
/// # Errors
/// As [`load`].
pub fn read(from: &mut impl Read) -> Result<Array> {
    let wrong = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::UnexpectedEof => Error::new(ErrorKind::Value, "load: the header is not complete"),
        _ => failed("load", "the header", &e),
    };
    let mut start = [0u8; 8];
    from.read_exact(&mut start).map_err(wrong)?;
    if &start[..6] != MAGIC {
        bail!(Value, "load: the magic string is not correct; expected {MAGIC:?}, got {:?}", &start[..6]);
    }
    let mut size = [0u8; 4];
    match start[6] {
        1 => from.read_exact(&mut size[..2]).map_err(wrong)?,
        2 | 3 => from.read_exact(&mut size).map_err(wrong)?,
        v => bail!(Value, "load: we only support format versions 1 to 3, not {v}"),
    }
    let size = u32::from_le_bytes(size) as u64;
    if size > LONGEST_HEADER {
        bail!(Value, "load: header info length ({size}) is large and may not be safe to load");
    }
    let text = String::from_utf8_lossy(&exactly(from, size)?).into_owned();
    let Header { descr, fortran, shape } = Header::parse(&text)?;
    let (dtype, big) = dtype_of(&descr)?;
    let bytes = count("load", &shape)?.checked_mul(dtype.size()).filter(|&n| n <= isize::MAX as usize);
    let Some(bytes) = bytes else { bail!(Value, "load: array of shape {} is too big", show(&shape)) };
    let mut data = exactly(from, bytes as u64)?;
    swap(&mut data, dtype, big != cfg!(target_endian = "big"));
    if dtype == DType::Bool {
        data.iter_mut().for_each(|b| *b = (*b != 0) as u8);
    }
    let device = context::current_device()?;
    if !fortran {
        return Array::from_bytes(device, &data, &shape, dtype);
    }
    let reversed: Dims = shape.iter().rev().copied().collect();
    Ok(Array::from_bytes(device, &data, &reversed, dtype)?.t())
}

#[cold]
pub(crate) fn failed(op: &str, what: &str, e: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Runtime, format!("{op}: {what}: {e}"))
}
/// What is asked for at once at least.
const PART: u64 = 64 << 10;
/// So many bytes; memory is taken as they come, since a header may promise any number.
fn exactly(from: &mut impl Read, n: u64) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    loop {
        let left = n - all.len() as u64;
        if left == 0 {
            return Ok(all);
        }
        let part = left.min((all.len() as u64).max(PART));
        memory::grow(&mut all, part as usize)?;
        let got =
            from.by_ref().take(part).read_to_end(&mut all).map_err(|e| failed("load", "the data", &e))?;
        if (got as u64) < part {
            bail!(Value, "load: the data ends after {} of {n} bytes", all.len());
        }
    }
}
/// Turns the bytes of every number (of both parts of complex ones) around.
fn swap(bytes: &mut [u8], dtype: DType, wanted: bool) {
    let n = dtype.real().size();
    if wanted && n > 1 {
        bytes.chunks_exact_mut(n).for_each(<[u8]>::reverse);
    }
}

fn letter(dtype: DType) -> char {
    use crate::dtype::Kind;
    match dtype.kind() {
        Kind::Bool => 'b',
        Kind::Unsigned => 'u',
        Kind::Signed => 'i',
        Kind::Float => 'f',
        Kind::Complex => 'c',
    }
}
/// `<f8`, `f8` or `float64`: the dtype and whether its bytes are big-endian.
fn dtype_of(descr: &str) -> Result<(DType, bool)> {
    let (order, name) = match descr.chars().next().filter(|c| "<>|=".contains(*c)) {
        Some(c) => (c, &descr[1..]),
        None => ('=', descr),
    };
    let found = DType::ALL.into_iter().find(|&d| {
        name == format!("{}{}", letter(d), d.size()) || descr == d.to_string() // without an order
    });
    match found {
        Some(d) => Ok((d, if order == '=' { cfg!(target_endian = "big") } else { order == '>' })),
        None => bail!(Type, "load: arrays of dtype '{descr}' are not supported"),
    }
}
/// Everything before the data.
fn header(shape: &[usize], dtype: DType) -> Vec<u8> {
    let sizes = shape.iter().map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
    let comma = if shape.len() == 1 { "," } else { "" };
    let order = if dtype.size() == 1 { '|' } else { '<' };
    let mut text = format!(
        "{{'descr': '{order}{}{}', 'fortran_order': False, 'shape': ({sizes}{comma}), }}",
        letter(dtype),
        dtype.size()
    );
    let first = shape.first().map_or(SIZE_DIGITS, |n| n.to_string().len());
    text += &" ".repeat(SIZE_DIGITS.saturating_sub(first));
    let before = MAGIC.len() + 4;
    text += &" ".repeat(ALIGN - (before + text.len() + 1) % ALIGN);
    text.push('\n');
    // At most 64 sizes of 20 digits: the header fits version 1.
    let mut all = MAGIC.to_vec();
    all.extend([1, 0]);
    all.extend((text.len() as u16).to_le_bytes());
    all.extend(text.as_bytes());
    all
}

/// The entries of the header.
#[derive(Debug, PartialEq)]
struct Header {
    descr: String,
    fortran: bool,
    shape: Dims,
}
impl Header {
    /// `{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }`, in any order and spacing.
    fn parse(text: &str) -> Result<Header> {
        let broken =
            || Error::new(ErrorKind::Value, format!("load: cannot parse header: {:?}", text.trim_end()));
        let mut rest = Rest(text.trim());
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        rest.eat('{').ok_or_else(broken)?;
        while rest.eat('}').is_none() {
            let key = rest.string().ok_or_else(broken)?;
            rest.eat(':').ok_or_else(broken)?;
            match key {
                "descr" if rest.0.starts_with('[') => {
                    bail!(Type, "load: arrays of records are not supported: {}", text.trim_end())
                }
                "descr" => descr = Some(rest.string().ok_or_else(broken)?.to_string()),
                "fortran_order" => fortran = Some(rest.truth().ok_or_else(broken)?),
                "shape" => shape = Some(rest.sizes().ok_or_else(broken)?),
                _ => return Err(broken()),
            }
            if rest.eat(',').is_none() && !rest.0.starts_with('}') {
                return Err(broken());
            }
        }
        match (descr, fortran, shape) {
            (Some(descr), Some(fortran), Some(shape)) if rest.0.is_empty() => {
                Ok(Header { descr, fortran, shape })
            }
            _ => Err(broken()),
        }
    }
}
/// What is left of a header; every reader skips the spaces behind what it takes, and gives `None` for anything else.
struct Rest<'a>(&'a str);
impl<'a> Rest<'a> {
    fn eat(&mut self, c: char) -> Option<()> {
        self.0 = self.0.strip_prefix(c)?.trim_start();
        Some(())
    }
    fn string(&mut self) -> Option<&'a str> {
        let quote = self.0.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let (word, rest) = self.0[1..].split_once(quote)?;
        self.0 = rest.trim_start();
        Some(word)
    }
    fn truth(&mut self) -> Option<bool> {
        let (value, rest) = match self.0.strip_prefix("True") {
            Some(rest) => (true, rest),
            None => (false, self.0.strip_prefix("False")?),
        };
        self.0 = rest.trim_start();
        Some(value)
    }
    fn sizes(&mut self) -> Option<Dims> {
        let mut sizes = Dims::new();
        let mut comma = true;
        self.eat('(')?;
        while self.eat(')').is_none() {
            let digits = self.0.len() - self.0.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            sizes.push(self.0[..digits].parse().ok()?);
            // Python 2 wrote its long integers with an L.
            self.0 = self.0[digits..].trim_start_matches('L').trim_start();
            comma = self.eat(',').is_some();
            if !comma && !self.0.starts_with(')') {
                return None;
            }
        }
        // One number in brackets is no tuple.
        Some(sizes).filter(|s| comma || s.len() != 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn headers_are_read_in_any_spelling_and_nothing_else_is() {
        let read = |s: &str| Header::parse(s);
        let want = Header { descr: ">c16".into(), fortran: true, shape: [2, 3].as_slice().into() };
        assert_eq!(read("{\"shape\":(2L ,3),'fortran_order' : True, 'descr':'>c16'}  \n").unwrap(), want);
        let good = "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }";
        assert_eq!(&*read(good).unwrap().shape, [3]);
        // Cut short anywhere, or with one character gone or doubled, it is an error or another header, and no panic.
        for k in 0..good.len() {
            read(&good[..k]).unwrap_err();
            let _ = read(&[&good[..k], &good[k + 1..]].concat());
            let _ = read(&[&good[..=k], &good[k..]].concat());
        }
        for bad in ["", "{}", "{'descr': 'é', 'shape': (-1,)}", "{'shape': (99999999999999999999999,)}"] {
            assert_eq!(read(bad).unwrap_err().kind(), ErrorKind::Value, "{bad}");
        }
        assert_eq!(read("{'descr': [('a', '<f8')], }").unwrap_err().kind(), ErrorKind::Type);
        for bad in ["<U3", "|O", "", "é8", "<f16", "f", "<float64"] {
            assert_eq!(dtype_of(bad).unwrap_err().kind(), ErrorKind::Type, "{bad}");
        }
        for good in ["f8", "=f8", "float64"] {
            assert_eq!(dtype_of(good).unwrap(), (DType::F64, cfg!(target_endian = "big")), "{good}");
        }
    }
}
