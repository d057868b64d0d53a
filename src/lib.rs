//! The addon that Node loads: the engine's verbs as functions that return promises. No logic.
//!
//! A verb has the same name here, in `src/host/host.ts` and in `crates/engine/src/verbs.rs`; its request and its reply are
//! JSON (`src/host/verbs.ts`). No verb runs on the event loop's thread. Beside the verbs there is what only a program with an
//! event loop wants ([`background`], [`archives`]) and what crosses as descriptors ([`descriptors`]). Any number of worker threads may load
//! the addon.

#[path = "addon/archives.rs"]
pub mod archives;
#[path = "addon/background.rs"]
pub mod background;
#[path = "addon/descriptors.rs"]
pub mod descriptors;
#[path = "addon/pool.rs"]
mod pool;

use napi::{
    Env, Error, Result, Task,
    bindgen_prelude::{AsyncTask, Object},
};
use napi_derive::napi;
use rustix::io::{FdFlags, fcntl_setfd};
use std::{os::unix::process::CommandExt, process::Command, thread};

/// A verb and its request.
pub struct Verb {
    name: &'static str,
    request: String,
}

impl Verb {
    /// The engine never panics here, and its failures are part of the reply: a promise rejects only when Node itself fails.
    fn carry_out(&self) -> String {
        engine::verbs::call(self.name, &self.request)
    }

    /// For a verb that may wait as long as a container lives, or for what someone types: a thread of its own, since
    /// libuv has four for the whole process.
    fn on_own_thread<'env>(self, env: &'env Env) -> Result<Object<'env>> {
        let (deferred, promise) = env.create_deferred::<String, Box<dyn FnOnce(Env) -> Result<String> + Send>>()?;
        thread::Builder::new().name(format!("gantry {}", self.name)).spawn(move || {
            let reply = self.carry_out();
            deferred.resolve(Box::new(move |_| Ok(reply)));
        })?;
        Ok(promise)
    }
}

impl Task for Verb {
    type Output = String;
    type JsValue = String;

    fn compute(&mut self) -> Result<String> {
        Ok(self.carry_out())
    }

    fn resolve(&mut self, _: Env, reply: String) -> Result<String> {
        Ok(reply)
    }
}

/// Verbs that end soon, on libuv's pool.
macro_rules! short {
    ($($function:ident $name:literal)*) => {$(
        #[napi(ts_return_type = "Promise<string>")]
        pub fn $function(request: String) -> AsyncTask<Verb> {
            AsyncTask::new(Verb { name: $name, request })
        }
    )*};
}

/// Verbs that may take long, each call on a thread of its own.
macro_rules! long {
    ($($function:ident $name:literal)*) => {$(
        #[napi(ts_return_type = "Promise<string>")]
        pub fn $function(env: &Env, request: String) -> Result<Object<'_>> {
            Verb { name: $name, request }.on_own_thread(env)
        }
    )*};
}

short! {
    facts "facts"
    read_text "readText"
    create_text "createText"
    is_directory "isDirectory"
    append_log "appendLog"
    send_log "sendLog"
    inspect "inspect"
    list "list"
    processes "processes"
    read_cgroup "readCgroup"
    resources "resources"
    signal "signal"
    destroy "destroy"
    close "close"
}

long! {
    freeze "freeze"
    await_oom "awaitOom"
    sleep "sleep"
    thaw "thaw"
    update "update"
    run_program "runProgram"
    read_input "readInput"
    write_output "writeOutput"
    write_error "writeError"
    launch "launch"
    exec "exec"
    start "start"
    await_ready "awaitReady"
    supervise "supervise"
}

/// Becomes the program at `path`, in this process, with our environment: execve(2). Returns only by throwing.
///
/// The program gets the standard streams and the `inherit` descriptors from 3 on: Node, at its start, marks the first 16 to
/// be closed here.
#[napi]
pub fn execve(path: String, argv: Vec<String>, inherit: u32) -> Result<()> {
    for number in 0..3_i32.saturating_add_unsigned(inherit) {
        match sys::descriptor::borrow(number) {
            Ok(descriptor) => fcntl_setfd(descriptor, FdFlags::empty()).map_err(std::io::Error::from)?,
            // One that is not open is the program's to complain about; so is a number of them beyond all reason.
            Err(_) if number < 3 => {}
            Err(_) => break,
        }
    }
    let mut words = argv.into_iter();
    let mut command = Command::new(&path);
    command.arg0(words.next().unwrap_or_default()).args(words);
    Err(Error::from(command.exec()))
}
