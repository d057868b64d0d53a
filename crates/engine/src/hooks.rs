//! The hooks that run on the host, with what each gets to know of the container (runtime-spec, runtime.md, "State").

use crate::{inspect::Status, record::Record};
use hook::{Hooks, Output};
use rustix::io::Errno;
use serde::Serialize;
use std::collections::BTreeMap;
use wire::{
    Failure,
    plan::{Hook, HostHooks},
};

/// A failure, and those of the hooks that ran when its container was removed, which stop nothing.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Failed {
    pub failure: Failure,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Failure>,
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self { failure, warnings: Vec::new() }
    }
}

/// Runs the hooks prestart, then createRuntime, for a container whose init has that pid.
pub fn on_create(record: &Record, pid: i32) -> Result<(), Failure> {
    let moment = Moment { record, status: Status::Creating, pid: Some(pid) };
    moment.run("prestart", |hooks| &hooks.prestart)?;
    moment.run("createRuntime", |hooks| &hooks.create_runtime)
}

/// Runs the hooks poststart.
pub fn on_start(record: &Record, pid: i32) -> Result<(), Failure> {
    Moment { record, status: Status::Running, pid: Some(pid) }.run("poststart", |hooks| &hooks.poststart)
}

/// Runs the hooks poststop: all of them, whatever becomes of any.
pub fn on_stop(record: &Record) -> Vec<Failure> {
    let moment = Moment { record, status: Status::Stopped, pid: None };
    let run_all = |hooks: &Hooks<'_>| Ok(hooks.run_all());
    moment.with("poststop", |hooks| &hooks.poststop, run_all).unwrap_or_else(|failure| vec![failure])
}

/// A moment of a container's life.
struct Moment<'a> {
    record: &'a Record,
    status: Status,
    pid: Option<i32>,
}

impl Moment<'_> {
    /// Runs hooks up to the first that fails.
    fn run(&self, kind: &str, choose: impl Fn(&HostHooks) -> &[Hook]) -> Result<(), Failure> {
        self.with(kind, choose, |hooks| hooks.run())
    }

    /// Prepares the hooks of a kind, if there are any.
    fn with<T: Default>(
        &self,
        kind: &str,
        choose: impl Fn(&HostHooks) -> &[Hook],
        run: impl Fn(&Hooks<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let Record { oci_version, id, bundle, annotations, hooks, .. } = self.record;
        let Some(all) = hooks.as_ref().filter(|all| !choose(all).is_empty()) else { return Ok(T::default()) };
        let state = State { oci_version, id, status: self.status, pid: self.pid, bundle, annotations };
        let state = serde_json::to_string(&state)
            .map_err(|_| Failure::new("write the state of container", id, Errno::INVAL.raw_os_error()))?;
        let output = Output::open(&all.output)?;
        run(&Hooks { kind, hooks: choose(all), state: &state, directory: Some(bundle), output: &output, filter: None })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct State<'a> {
    oci_version: &'a str,
    id: &'a str,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<i32>,
    bundle: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'a BTreeMap<String, String>,
}
