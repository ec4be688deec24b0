//! The table of symbol operators, by family: one row each.
//!
//! Families have the names they have in minpy-core, with `loss` for the output layers whose gradient is their own.

pub(crate) mod elementwise;
pub(crate) mod index;
pub(crate) mod loss;
pub(crate) mod matmul;
pub(crate) mod nn;
pub(crate) mod reduce;
pub(crate) mod shape;

use crate::attributes::Attributes;
use crate::operator::{self, Build, Operator, Shapes};
use minpy_core::{Result, bail};
use std::collections::HashMap;
use std::sync::LazyLock;

/// For operators whose inputs and result have one shape: whatever is known fills in what is not.
pub(crate) fn same_shape(_: &Attributes, s: &mut Shapes) -> Result<()> {
    let known = (0..s.input_count()).find_map(|i| s.input(i)).or(s.output(0)).map(<[usize]>::to_vec);
    if let Some(shape) = known {
        for i in 0..s.input_count() {
            if s.input(i).is_none() {
                s.set(i, &shape)?;
            }
        }
    }
    Ok(())
}

struct Table {
    rows: Vec<&'static Operator>,
    names: HashMap<&'static str, &'static Operator>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table { rows: Vec::new(), names: HashMap::new() };
    let written = [nn::ROWS, loss::ROWS, shape::ROWS, reduce::ROWS, matmul::ROWS, index::ROWS];
    for row in written.into_iter().flatten().chain(elementwise::rows()).chain(operator::table::rows()) {
        let mut row = row;
        if matches!(row.build, Build::Table(_)) && table.names.contains_key(row.name) {
            // A node must be found by the name that its operator has: of a hidden one the first that is free.
            let free = row.aliases.iter().copied().filter(|a| !table.names.contains_key(a));
            let free: &[&str] = free.collect::<Vec<_>>().leak();
            let [name, aliases @ ..] = free else { continue };
            row = Box::leak(Box::new(Operator { name, aliases, ..*row }));
        }
        table.rows.push(row);
        for name in std::iter::once(&row.name).chain(row.aliases) {
            // Rows written by hand come first and keep their names.
            table.names.entry(name).or_insert(row);
        }
    }
    // What is hidden by a row of the same name can no longer be found: drop it from the list.
    let names = &table.names;
    table.rows.retain(|r| std::ptr::eq(*r, names[r.name]));
    table
});

/// Every operator of the table.
pub fn operators() -> &'static [&'static Operator] {
    &TABLE.rows
}
/// The operator of that name or alias.
pub(crate) fn operator(name: &str) -> Result<&'static Operator> {
    match TABLE.names.get(name) {
        Some(o) => Ok(o),
        None => bail!(Value, "symbol: unknown operator '{name}'{}", hint(name)),
    }
}

/// Names that differ in case only, or contain what was asked for.
fn hint(name: &str) -> String {
    let lower = name.to_lowercase();
    let mut near: Vec<_> = TABLE.names.keys().filter(|n| n.to_lowercase() == lower).copied().collect();
    if near.is_empty() && lower.len() > 2 {
        near = TABLE.names.keys().filter(|n| n.to_lowercase().contains(&lower)).copied().collect();
    }
    near.sort_unstable();
    near.truncate(5);
    if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(", ")) }
}
