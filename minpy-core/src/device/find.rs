//! Finding devices by name.

use super::DeviceRef;
use crate::{Error, ErrorKind, Result, registry};
use parking_lot::Mutex;

/// Reasons why devices were left out, with their kind.
static LEFT_OUT: Mutex<Vec<(&'static str, String)>> = Mutex::new(Vec::new());

/// For a backend's probe: says why a device, or every one of a kind, cannot be used. The error about a missing device
/// tells it to the user.
pub fn leave_out(kind: &'static str, reason: impl Into<String>) {
    let mut list = LEFT_OUT.lock();
    let entry = (kind, reason.into());
    if !list.contains(&entry) {
        list.push(entry);
    }
}
/// What probes said of that kind.
pub fn left_out(kind: &str) -> Vec<String> {
    LEFT_OUT.lock().iter().filter(|(k, _)| *k == kind).map(|(_, reason)| reason.clone()).collect()
}

/// Every device of that name, in order; empty when there is none.
pub fn devices(name: &str) -> Result<Vec<DeviceRef>> {
    Ok(registry::global()?.devices(name).to_vec())
}

/// The device `name(ordinal)`; `gpu` stands for the first of cuda and opencl that has that many.
pub fn device(name: &str, ordinal: usize) -> Result<DeviceRef> {
    let reg = registry::global()?;
    let names: &[&str] = if name == "gpu" { &["cuda", "opencl"] } else { &[name] };
    for n in names {
        if let Some(&d) = reg.devices(n).get(ordinal) {
            return Ok(d);
        }
    }
    let found: Vec<String> = reg.all_devices().map(|d| d.to_string()).collect();
    let known = name == "gpu" || reg.kind_of(name).is_some();
    let reasons: Vec<String> = names.iter().flat_map(|n| left_out(n)).collect();
    let why = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join("; ")) };
    let message = format!("no device {name}({ordinal}){why}; devices found: {}", found.join(", "));
    Err(Error::new(if known { ErrorKind::Device } else { ErrorKind::Value }, message))
}

/// Parses `cpu`, `opencl:0` or `cuda(1)`.
pub fn parse(text: &str) -> Result<DeviceRef> {
    let t = text.trim().trim_end_matches(')');
    let (name, number) = t.split_once([':', '(']).unwrap_or((t, "0"));
    let ordinal = number.trim().parse().map_err(|_| {
        Error::new(ErrorKind::Value, format!("device '{text}': '{number}' is not a device number"))
    })?;
    device(name.trim(), ordinal)
}

/// The host CPU: where fallbacks run.
pub fn host() -> Result<DeviceRef> {
    registry::global()?.host()
}
