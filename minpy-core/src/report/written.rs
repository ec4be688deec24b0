//! The name of the function that the user called: one function may run several operations, under names of their own.
//!
//! Asked for only while operations are counted or a profile is on; in a program that does neither an entry costs one look at
//! a flag.
//! Who enters: the Python package's functions in Rust ([`enter`]), and programs in Rust that want their names in reports.
//! Functions written in Python are found on Python's stack by what [`install`] was given.

use crate::context::{self, COUNTING};
use crate::profile;
use parking_lot::Mutex;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::OnceLock;

thread_local! { static NAME: Cell<Option<&'static str>> = const { Cell::new(None) }; }
static FINDER: OnceLock<fn() -> Option<&'static str>> = OnceLock::new();

/// Installs what finds the function on the stack of another language (the Python package does).
pub fn install(finder: fn() -> Option<&'static str>) {
    let _ = FINDER.set(finder);
}

/// Until it is dropped, operations of this thread belong to the function that was entered.
#[must_use]
pub struct Entered(bool);
impl Drop for Entered {
    #[inline]
    fn drop(&mut self) {
        if self.0 {
            NAME.set(None);
        }
    }
}

/// Enters a function that users call: the outermost one gives the name.
#[inline]
pub fn enter(name: &'static str) -> Entered {
    enter_as(|| name)
}
/// The same with a name that is made only when it is needed.
#[inline]
pub fn enter_as(name: impl FnOnce() -> &'static str) -> Entered {
    if context::names_asked() { entered(name) } else { Entered(false) }
}
#[cold]
fn entered(name: impl FnOnce() -> &'static str) -> Entered {
    if NAME.get().is_some() || context::flags() & COUNTING == 0 && !profile::is_on() {
        return Entered(false);
    }
    NAME.set(Some(FINDER.get().and_then(|f| f()).unwrap_or_else(name)));
    Entered(true)
}
/// A name that stays: there are as many as there are functions.
pub fn kept(name: &str) -> &'static str {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = NAMES.lock();
    if let Some(known) = names.get(name) {
        return known;
    }
    let new: &'static str = Box::leak(name.into());
    names.insert(new);
    new
}

/// The function that the user called, as far as anybody said.
pub(crate) fn name() -> Option<&'static str> {
    NAME.get().or_else(|| FINDER.get().and_then(|f| f()))
}

/// Operations as reports show them: those that run for a function of another name stand in brackets behind it, `dot(matmul)`.
pub(crate) fn label<'a>(operations: impl IntoIterator<Item = (Option<&'static str>, &'a str)>) -> String {
    let mut text = String::new();
    let mut open = None;
    for (written, op) in operations {
        let written = written.filter(|&w| w != op);
        if open.is_some() && open != written {
            text.push(')');
        }
        if !text.is_empty() {
            text.push('+');
        }
        if let Some(w) = written
            && open != written
        {
            text.push_str(w);
            text.push('(');
        }
        text.push_str(op);
        open = written;
    }
    if open.is_some() {
        text.push(')');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn operations_of_one_function_share_its_brackets() {
        let group = [
            (None, "add"),
            (Some("mean"), "sum"),
            (Some("mean"), "divide"),
            (Some("sum"), "sum"),
            (Some("dot"), "matmul"),
        ];
        assert_eq!(label(group), "add+mean(sum+divide)+sum+dot(matmul)");
        assert_eq!(label([(Some("exp"), "exp")]), "exp");
        assert_eq!(label([]), "");
    }
}
