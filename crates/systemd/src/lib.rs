//! The systemd unit of a container: a transient scope that is started around its first process, changed and stopped.
//! The interface is org.freedesktop.systemd1(5).
//!
//! A command that uses a unit has one connection, makes its calls in one go, and waits at most 30 s for all of it. A scope goes
//! away by itself when its last process has ended, so what a command that was killed leaves needs no clearing away.
#![forbid(unsafe_code)]

mod bus;
mod value;

use bus::{Bus, Call, Reply};
use rustix::io::Errno;
use std::time::Duration;
use wire::{
    Failure,
    plan::{UnitPlan, UnitProperty},
};
use zbus::{OwnedObjectPath, Variant};

/// How long systemd may take, all calls of a command together.
const PATIENCE: Duration = Duration::from_secs(30);

type Properties<'a> = Vec<(&'a str, Variant<'a>)>;

/// Starts the scope with process `pid` in it. Fails with EEXIST when there is a unit of that name.
pub fn start(unit: &UnitPlan, pid: i32) -> Result<(), Failure> {
    const STEP: &str = "start systemd unit";
    let mut properties = value::properties(&unit.properties)?;
    properties.push(("PIDs", Variant::new(vec![pid.unsigned_abs()])));
    let no_others: Vec<(&str, Properties<'_>)> = Vec::new();
    let call = Call::manager("StartTransientUnit", &(&unit.name, "fail", properties, no_others))?;
    run_job(STEP, &unit.name, unit.user, call)
}

/// Stops the unit and waits until it is gone. One that is not there is fine.
pub fn stop(name: &str, user: bool) -> Result<(), Failure> {
    let call = Call::manager("StopUnit", &(name, "replace"))?;
    match run_job("stop systemd unit", name, user, call) {
        Err(failure) if failure.errno == Errno::NOENT.raw_os_error() && failure.object.starts_with(name) => Ok(()),
        other => other,
    }
}

/// Changes properties until the unit ends.
pub fn set_properties(name: &str, user: bool, properties: &[UnitProperty]) -> Result<(), Failure> {
    let call = Call::manager("SetUnitProperties", &(name, true, value::properties(properties)?))?;
    let mut bus = Bus::connect(user, PATIENCE)?;
    let serial = bus.send(&call)?;
    bus.reply(serial)?.map_err(|error| error.failure("change systemd unit", name))?;
    Ok(())
}

/// Makes a call that begins a job, and waits for the job's end.
fn run_job(step: &str, name: &str, user: bool, call: Call) -> Result<(), Failure> {
    let mut bus = Bus::connect(user, PATIENCE)?;
    // The end of the job is told to everybody, and only what is about our unit is for us.
    let rule = format!(
        "type='signal',sender='org.freedesktop.systemd1',interface='org.freedesktop.systemd1.Manager',\
         member='JobRemoved',arg2='{name}'"
    );
    bus.send(&Call::bus("AddMatch", &rule)?)?;
    let serial = bus.send(&call)?;
    let job: OwnedObjectPath = match bus.reply(serial)? {
        Ok(reply) => reply.body()?,
        Err(error) => return Err(error.failure(step, name)),
    };
    loop {
        let signal: Reply = bus.signal("JobRemoved")?;
        let (_, path, _, result): (u32, OwnedObjectPath, String, String) = signal.body()?;
        if path == job {
            return match result.as_str() {
                "done" => Ok(()),
                result => Err(Failure::new(step, format!("{name} (the job ended as {result})"), 0)),
            };
        }
    }
}
