//! Passes over a schedule: each a function in a file of its own that leaves the results as they are and the work
//! smaller. In debug builds the schedule is verified after each.

mod copies;
mod dead;
mod duplicates;
mod fuse;
mod relayout;
mod verify;

pub(crate) use verify::verify;

use crate::schedule::Schedule;

/// All passes in order.
pub(crate) fn optimise(schedule: &mut Schedule) {
    let passes: [fn(&mut Schedule); 5] = [
        dead::remove_dead,
        duplicates::merge_duplicates,
        copies::remove_copies,
        fuse::fuse,
        dead::remove_dead,
    ];
    check(schedule, "trace");
    for (pass, name) in passes.into_iter().zip(["dead", "duplicates", "copies", "fuse", "dead"]) {
        pass(schedule);
        check(schedule, name);
    }
}

fn check(schedule: &Schedule, pass: &str) {
    if cfg!(debug_assertions)
        && let Err(e) = verify(schedule)
    {
        // A wrong schedule is a bug of ours: stop where it was made.
        panic!("after the pass '{pass}': {e}");
    }
}
