//! Passes over a schedule: each a function in a file of its own that leaves the results as they are and the work
//! smaller. In debug builds the schedule is verified after each. Last comes fusion, by the rules of core.

mod copies;
mod dead;
mod duplicates;
mod fuse;
mod relayout;
mod verify;

pub(crate) use verify::verify;

use crate::room::room_for;
use crate::schedule::Schedule;
use minpy_core::Result;

/// All passes in order.
pub(crate) fn optimise(schedule: &mut Schedule) -> Result<()> {
    type Pass = (&'static str, fn(&mut Schedule));
    let passes: [Pass; 3] = [
        ("dead", dead::remove_dead),
        ("duplicates", duplicates::merge_duplicates),
        ("copies", copies::remove_copies),
    ];
    room_for(schedule.values.len() + schedule.steps.len())?;
    check(schedule, "trace");
    for (name, pass) in passes {
        pass(schedule);
        check(schedule, name);
    }
    fuse::fuse(schedule)?;
    check(schedule, "fuse");
    Ok(())
}

#[expect(clippy::panic, reason = "a wrong schedule is a bug of ours; debug builds stop where it was made")]
fn check(schedule: &Schedule, pass: &str) {
    if cfg!(debug_assertions)
        && let Err(e) = verify(schedule)
    {
        panic!("after the pass '{pass}': {e}");
    }
}
