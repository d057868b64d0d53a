//! The addon that Node loads: the engine's verbs as functions that return promises. No logic.
//!
//! A verb has the same name here, in `src/host/host.ts` and in `crates/engine/src/verbs.rs`; its request and its reply are
//! JSON (`src/host/verbs.ts`). No verb runs on the event loop's thread. Nothing here is kept between two calls, so the
//! addon may be loaded by any number of worker threads.

use napi::{
    Env, Error, Result, Task,
    bindgen_prelude::{AsyncTask, Object},
};
use napi_derive::napi;
use nix::{
    fcntl::{FcntlArg, FdFlag, fcntl},
    unistd::execv,
};
use std::{ffi::CString, os::fd::BorrowedFd, panic, thread};

/// A verb and its request.
pub struct Verb {
    name: &'static str,
    request: String,
}

impl Verb {
    /// Runs the verb on this thread. Its failures are part of the reply; an error here is a defect of the engine.
    fn carry_out(&self) -> Result<String> {
        panic::catch_unwind(|| engine::verbs::call(self.name, &self.request))
            .map_err(|_| Error::from_reason(format!("the engine panicked in the verb {}", self.name)))
    }

    /// For a verb that may wait as long as a container lives, or for what someone types: a thread of its own, since
    /// libuv has four for the whole process.
    fn on_own_thread<'env>(self, env: &'env Env) -> Result<Object<'env>> {
        let (deferred, promise) = env.create_deferred::<String, Box<dyn FnOnce(Env) -> Result<String> + Send>>()?;
        thread::Builder::new().name(format!("gantry {}", self.name)).spawn(move || match self.carry_out() {
            Ok(reply) => deferred.resolve(Box::new(move |_| Ok(reply))),
            Err(error) => deferred.reject(error),
        })?;
        Ok(promise)
    }
}

impl Task for Verb {
    type Output = String;
    type JsValue = String;

    fn compute(&mut self) -> Result<String> {
        self.carry_out()
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
    inspect "inspect"
    list "list"
    signal "signal"
    destroy "destroy"
    close "close"
}

long! {
    read_input "readInput"
    write_output "writeOutput"
    write_error "writeError"
    launch "launch"
    start "start"
    await_ready "awaitReady"
    supervise "supervise"
}

/// Becomes the program at `path`, in this process: execve(2) with our environment. Returns only by throwing.
///
/// Node marks the descriptors that it finds at its start as close-on-exec; the `inherit` of them from 3 on are handed down.
#[napi]
pub fn execve(path: String, argv: Vec<String>, inherit: u32) -> Result<()> {
    let text = |text: String| CString::new(text).map_err(|_| Error::from_reason("a NUL byte in an argument"));
    let path = text(path)?;
    let argv = argv.into_iter().map(text).collect::<Result<Vec<_>>>()?;
    for descriptor in 3..3_i32.saturating_add_unsigned(inherit) {
        clear_close_on_exec(descriptor);
    }
    match execv(&path, &argv) {
        Ok(never) => match never {},
        Err(errno) => Err(Error::from_reason(format!("cannot execute {}: {}", path.to_string_lossy(), errno.desc()))),
    }
}
