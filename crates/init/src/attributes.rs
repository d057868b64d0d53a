//! How the program is scheduled, and what else of a process is neither a credential nor a limit.

use crate::failing::Failing;
use sys::attributes::{Scheduling, set_scheduling};
use wire::{Failure, plan::Scheduler};

pub fn schedule(scheduler: &Scheduler) -> Result<(), Failure> {
    let &Scheduler { policy, flags, nice, priority, runtime, deadline, period } = scheduler;
    let flags = flags.into();
    let (runtime, deadline, period) = (runtime.0, deadline.0, period.0);
    set_scheduling(&Scheduling { policy, flags, nice, priority, runtime, deadline, period })
        .failing("apply", "process.scheduler")
}
