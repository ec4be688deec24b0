//! What the table of functions says of gradients is so: an entry is `constant`, and its parameter `apart`, just where no result of its cases
//! depends on what was given.

use minpy_autograd::{Session, is_watched};
use minpy_core::backend::function::{Function, Made, Value, sample};
use minpy_core::{Array, ErrorKind};
use minpy_cpu as _;
use std::collections::BTreeMap;

/// Watches the real and complex arrays of an argument; how many there were.
fn watch(s: &Session, value: &mut Value) -> usize {
    match value {
        Value::Made(a) if a.dtype().is_inexact() => {
            *a = s.watch(a).unwrap();
            1
        }
        Value::List(list) => list.iter_mut().map(|v| watch(s, v)).sum(),
        _ => 0,
    }
}

#[test]
fn entries_say_through_which_parameters_gradients_flow() {
    let mut faults = Vec::new();
    let (mut constant, mut tried) = (0, 0);
    for f in Function::all().unwrap() {
        // Whether a result depends on a parameter, for those for which a case has an array.
        let mut depends: BTreeMap<&str, bool> = BTreeMap::new();
        for case in f.cases {
            for (i, p) in f.parameters.iter().enumerate() {
                let s = Session::begin();
                let mut values = sample(f, case).unwrap();
                if watch(&s, &mut values[i]) == 0 {
                    continue;
                }
                let target = values.iter().find_map(Value::array).cloned();
                let results: Vec<Array> = match f.call(&mut values) {
                    Ok(Made::One(a)) => vec![a],
                    Ok(Made::Many(all)) => all,
                    // What is written is the first.
                    Ok(Made::Nothing) => target.into_iter().collect(),
                    Ok(Made::Truth(_) | Made::Count(_) | Made::Shape(_)) => vec![],
                    Err(e) if e.kind() == ErrorKind::NotNative => continue,
                    Err(e) => panic!("{}({case}): {e}", f.name),
                };
                *depends.entry(p.name).or_default() |= results.iter().any(is_watched);
                tried += 1;
            }
        }
        constant += usize::from(f.constant);
        for (name, flows) in depends {
            let says_none = f.constant || f.apart.contains(&name);
            if flows == says_none {
                let is = if flows { "flows" } else { "does not flow" };
                faults.push(format!("{}: a gradient {is} through {name}", f.name));
            }
        }
    }
    assert!(faults.is_empty(), "{} entries say otherwise than they do:\n{}", faults.len(), faults.join("\n"));
    assert!(constant > 20 && tried > 250, "{constant} {tried}");
}
