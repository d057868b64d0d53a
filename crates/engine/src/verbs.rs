//! The verbs of `src/host/host.ts`: a request in JSON or in what else serde reads, an answer in JSON.
//!
//! An answer is `{"ok": …}` or `{"failure": {step, object, errno}}`, the latter with more such as `warnings` if there are. A request
//! is the object that the verb takes there; a single string or number is wrapped in an object under the name of its parameter. A long
//! text that goes with it follows as it is, after a newline, which the JSON has none of. A text that was asked for is answered by `=`
//! and the text as it is.

use crate::{
    destroy, exec, facts,
    failing::Failing,
    files, freeze,
    gate::{self, Start},
    hooks::Failed,
    inspect, launch,
    log::{self, ToLog},
    mounts,
    notify::{self, AwaitReady},
    owner, processes, signal, statistics,
    supervise::{self, Supervision},
    update,
};
use rustix::io::Errno;
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use std::panic::{AssertUnwindSafe, catch_unwind};
use wire::{
    Failure,
    plan::{ExecPlan, LaunchPlan, MountsPlan, UpdatePlan},
};

#[derive(Deserialize)]
struct Nothing {}

#[derive(Deserialize)]
struct OfFacts {
    cgroups: bool,
}

#[derive(Deserialize)]
struct OfPath {
    path: String,
}

#[derive(Deserialize)]
struct OfText {
    text: String,
}

#[derive(Deserialize)]
struct OfRoot {
    root: String,
}

#[derive(Deserialize)]
struct PathAndText {
    path: String,
    text: String,
}

#[derive(Deserialize)]
struct OfProgram {
    argv: Vec<String>,
}

#[derive(Deserialize)]
struct OfCgroupFiles {
    root: String,
    id: String,
    files: Vec<String>,
}

#[derive(Deserialize)]
struct ToAwaitOom {
    root: String,
    id: String,
    since: u64,
    timeout: u64,
}

#[derive(Deserialize)]
struct OfTime {
    milliseconds: u64,
}

#[derive(Deserialize)]
struct OfDescriptor {
    descriptor: i32,
}

/// `ContainerRef`.
#[derive(Deserialize)]
struct OfContainer {
    root: String,
    id: String,
}

#[derive(Deserialize)]
struct ToSignal {
    root: String,
    id: String,
    signal: i32,
    all: bool,
}

#[derive(Deserialize)]
struct ToDestroy {
    root: String,
    id: String,
    force: bool,
    #[serde(default)]
    files: Vec<String>,
}

/// Runs a verb, whose request is JSON. Never panics: a defect of ours must not take a host process down.
pub fn call(verb: &str, request: &str) -> String {
    guarded(verb, || answer(verb, request))
}

/// The same with a request from elsewhere, and the long text that goes with it.
pub fn call_with<'de>(verb: &str, request: impl Deserializer<'de>, text: &str) -> String {
    guarded(verb, || carry_out(verb, request, text))
}

/// The answer to what a caller has us carry out that is no verb.
pub fn done<T: Serialize>(what: &str, run: impl FnOnce() -> Result<T, Failure>) -> String {
    guarded(what, || run().map(|value| envelope(&Answer::Ok(value))))
}

/// The answer to a verb that `run` carries out.
pub(crate) fn guarded<E: Into<Failed>>(verb: &str, run: impl FnOnce() -> Result<String, E>) -> String {
    catch_unwind(AssertUnwindSafe(run))
        .map_or_else(
            |_| Err(Failure::new("go on after a defect in", verb, 0).into()),
            |answer| answer.map_err(Into::into),
        )
        .unwrap_or_else(|failed| envelope(&failed))
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Answer<T> {
    Ok(T),
}

/// An answer, or the failure that is one.
pub(crate) fn answer(verb: &str, request: &str) -> Result<String, Failed> {
    let (request, text) = request.split_once('\n').unwrap_or((request, ""));
    carry_out(verb, &mut serde_json::Deserializer::from_str(request), text)
}

fn carry_out<'de>(verb: &str, request: impl Deserializer<'de>, text: &str) -> Result<String, Failed> {
    let ask = Ask { verb, request };
    match verb {
        "facts" => ask.with(|OfFacts { cgroups }| facts::facts(cgroups)),
        "readText" => ask.text(|OfPath { path }| files::read_text(&path)),
        "readInput" => ask.text(|Nothing {}| files::read_input()),
        "createText" => ask.with(|PathAndText { path, text }| files::create_text(&path, &text)),
        "isDirectory" => ask.with(|OfPath { path }| files::is_directory(&path)),
        "writeOutput" => ask.with(|OfText { text }| files::write_output(&text)),
        "writeError" => ask.with(|OfText { text }| files::write_error(&text)),
        "appendLog" => ask.with(|PathAndText { path, text }| files::append_log(&path, &text)),
        "sendLog" => ask.with(|request: ToLog| log::log(&request)),
        "launch" => ask.with(|plan: LaunchPlan| launch::launch(plan, text)),
        "exec" => ask.with(|plan: ExecPlan| exec::exec(plan)),
        "changeMounts" => ask.with(|plan: MountsPlan| mounts::change(plan, text)),
        "start" => ask.with(|request: Start| gate::start(&request)),
        "awaitReady" => ask.with(|request: AwaitReady| notify::await_ready(&request)),
        "supervise" => ask.with(|request: Supervision| supervise::supervise(&request)),
        "inspect" => ask.with(|OfContainer { root, id }| inspect::inspect(&root, &id)),
        "list" => ask.with(|OfRoot { root }| inspect::list(&root)),
        "freeze" => ask.with(|OfContainer { root, id }| freeze::freeze(&root, &id)),
        "thaw" => ask.with(|OfContainer { root, id }| freeze::thaw(&root, &id)),
        "processes" => ask.with(|OfContainer { root, id }| processes::processes(&root, &id)),
        "runProgram" => ask.with(|OfProgram { argv }| processes::run_program(&argv)),
        "resources" => ask.with(|OfContainer { root, id }| update::resources(&root, &id)),
        "update" => ask.with(|plan: UpdatePlan| update::update(&plan)),
        "readCgroup" => ask.with(|OfCgroupFiles { root, id, files }| statistics::read(&root, &id, &files)),
        "awaitOom" => {
            ask.with(|ToAwaitOom { root, id, since, timeout }| statistics::await_oom(&root, &id, since, timeout))
        }
        "sleep" => ask.with(|OfTime { milliseconds }| sleep(milliseconds)),
        "signal" => ask.with(|ToSignal { root, id, signal, all }| signal::signal(&root, &id, signal, all)),
        "destroy" => ask.with(|ToDestroy { root, id, force, files }| {
            destroy::destroy_reading(&root, &id, force, &files).inspect(|_| owner::release(&root, &id))
        }),
        "close" => ask.with(|OfDescriptor { descriptor }| close(descriptor)),
        _ => Err(Failure::new("find verb", verb, Errno::NOSYS.raw_os_error()).into()),
    }
}

fn sleep(milliseconds: u64) -> Result<(), Failure> {
    std::thread::sleep(std::time::Duration::from_millis(milliseconds));
    Ok(())
}

/// Closes a descriptor that `launch` or `start` gave away: never a standard stream.
fn close(descriptor: i32) -> Result<(), Failure> {
    let adopted = if descriptor > 2 { sys::descriptor::adopt(descriptor) } else { Err(Errno::BADF) };
    adopted.map(drop).failing("close descriptor", descriptor)
}

struct Ask<'a, D> {
    verb: &'a str,
    request: D,
}

impl<'de, D: Deserializer<'de>> Ask<'_, D> {
    /// Reads the request, runs the verb, writes the answer.
    fn with<R: DeserializeOwned, T: Serialize, E: Into<Failed>>(
        self,
        run: impl FnOnce(R) -> Result<T, E>,
    ) -> Result<String, Failed> {
        run(self.read()?).map(|value| ok(&value)).map_err(Into::into)
    }

    /// The same for a verb that gives a text.
    fn text<R: DeserializeOwned>(self, run: impl FnOnce(R) -> Result<String, Failure>) -> Result<String, Failed> {
        Ok(run(self.read()?).map(|text| format!("={text}"))?)
    }

    fn read<R: DeserializeOwned>(self) -> Result<R, Failure> {
        R::deserialize(self.request).map_err(|error| {
            Failure::new("read request", format!("{}: {error}", self.verb), Errno::INVAL.raw_os_error())
        })
    }
}

/// The answer that has this value.
pub(crate) fn ok(value: &impl Serialize) -> String {
    envelope(&Answer::Ok(value))
}

fn envelope(answer: &impl Serialize) -> String {
    // Only a map whose keys are not strings can't be written, and no answer has one.
    serde_json::to_string(answer)
        .unwrap_or_else(|_| r#"{"failure":{"step":"write answer","object":"","errno":0}}"#.to_owned())
}

#[cfg(test)]
#[path = "verbs_tests.rs"]
mod tests;
