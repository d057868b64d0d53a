//! Processes of containers that are begun here and whose end is a promise: engine::background.

use crate::pool;
use engine::{background, owner, owner::Ownership, supervise::ExitStatus, watcher::Owned};
use napi::{Env, JsDeferred, Result, bindgen_prelude::Object};
use napi_derive::napi;
use std::{cell::Cell, thread};

/// What a promise is fulfilled with, in the thread of its JavaScript.
type Fulfilment<T> = Box<dyn FnOnce(Env) -> Result<T> + Send>;

/// A promise as Rust holds it. One that is dropped is fulfilled with the default, so that nobody waits for ever.
pub struct Promise<T: Default + Send + napi::bindgen_prelude::ToNapiValue + 'static>(
    Option<JsDeferred<T, Fulfilment<T>>>,
);

impl<T: Default + Send + napi::bindgen_prelude::ToNapiValue + 'static> Promise<T> {
    pub fn new(env: &Env) -> Result<(Self, Object<'_>)> {
        let (deferred, promise) = env.create_deferred::<T, Fulfilment<T>>()?;
        Ok((Self(Some(deferred)), promise))
    }

    pub fn fulfil(mut self, value: T) {
        self.settle(value);
    }

    fn settle(&mut self, value: T) {
        if let Some(deferred) = self.0.take() {
            deferred.resolve(Box::new(move |_| Ok(value)));
        }
    }
}

impl<T: Default + Send + napi::bindgen_prelude::ToNapiValue + 'static> Drop for Promise<T> {
    fn drop(&mut self) {
        self.settle(T::default());
    }
}

/// How a process ended: neither is set where that is not known.
#[napi(object)]
#[derive(Default)]
pub struct Ending {
    pub exit_code: Option<i32>,
    pub signal: Option<i32>,
}

impl From<ExitStatus> for Ending {
    fn from(ExitStatus { exit_code, signal }: ExitStatus) -> Self {
        Self { exit_code, signal }
    }
}

/// A process that is begun.
#[napi(object, object_from_js = false)]
pub struct Beginning<'env> {
    /// For `kill`, `relay` and `forget`, until it has ended.
    pub number: i64,
    /// The answer of the verb.
    #[napi(ts_type = "Promise<string>")]
    pub begun: Object<'env>,
    /// Also when nothing was begun.
    #[napi(ts_type = "Promise<Ending>")]
    pub ended: Object<'env>,
}

/// A container that ends with this JavaScript thread, and so with the process.
#[napi(object)]
pub struct Owner {
    pub root: String,
    pub id: String,
    /// RFC 3339, as in the plan.
    pub created: String,
    /// The path of the static binary.
    pub binary: String,
}

/// Calls `launch` or `exec`. The process is waited for from the beginning.
#[napi]
pub fn begin<'env>(env: &'env Env, verb: String, request: String, owner: Option<Owner>) -> Result<Beginning<'env>> {
    let number = engine::waiter::number();
    let (begun, begun_promise) = Promise::<String>::new(env)?;
    let (ended, ended_promise) = Promise::<Ending>::new(env)?;
    let ownership = match owner {
        Some(Owner { root, id, created, binary }) => {
            Some(Ownership { container: Owned { root, id, created }, part: part(env)?, binary })
        }
        None => None,
    };
    pool::run(move || {
        let told = Box::new(move |status: ExitStatus| ended.fulfil(status.into()));
        begun.fulfil(background::begin(number, &verb, &request, ownership.as_ref(), told));
    })?;
    Ok(Beginning { number: number.cast_signed(), begun: begun_promise, ended: ended_promise })
}

/// Waits for the end of any container's init: `begun` tells whether that is possible.
#[napi]
pub fn await_end<'env>(env: &'env Env, root: String, id: String) -> Result<Beginning<'env>> {
    let number = engine::waiter::number();
    let (begun, begun_promise) = Promise::<String>::new(env)?;
    let (ended, ended_promise) = Promise::<Ending>::new(env)?;
    pool::run(move || {
        let told = Box::new(move |status: ExitStatus| ended.fulfil(status.into()));
        begun.fulfil(background::await_end(number, &root, &id, told));
    })?;
    Ok(Beginning { number: number.cast_signed(), begun: begun_promise, ended: ended_promise })
}

/// Waits no more for a process: its `ended` is fulfilled with nothing.
#[napi]
pub fn forget(number: i64) -> bool {
    engine::waiter::cancel(number.cast_unsigned())
}

/// Joins the pty `console` to `socket`, of which we take over both, until the process has ended and its last output is through.
#[napi(ts_return_type = "Promise<string>")]
pub fn relay<'env>(env: &'env Env, number: i64, console: i32, socket: i32) -> Result<Object<'env>> {
    let (done, promise) = Promise::<String>::new(env)?;
    // For as long as the process lives.
    thread::Builder::new()
        .name("gantry terminal".into())
        .spawn(move || done.fulfil(background::relay(number.cast_unsigned(), console, socket)))?;
    Ok(promise)
}

/// Kills a process in a container, its session, and the descendants of whoever is in that.
#[napi(ts_return_type = "Promise<string>")]
pub fn kill_session(env: &Env, root: String, id: String, pid: i32) -> Result<Object<'_>> {
    let (done, promise) = Promise::<String>::new(env)?;
    pool::run(move || done.fulfil(engine::processes::kill_session_of(&root, &id, pid)))?;
    Ok(promise)
}

/// Does something to files in a container: engine::container_files.
#[napi(ts_return_type = "Promise<string>")]
pub fn file(env: &Env, request: String) -> Result<Object<'_>> {
    let (done, promise) = Promise::<String>::new(env)?;
    pool::run(move || done.fulfil(engine::container_files::operate(&request)))?;
    Ok(promise)
}

/// Sends a signal to a process that was begun here: `false` when it has ended.
#[napi]
pub fn signal_process(number: i64, signal: i32) -> Result<bool> {
    engine::waiter::signal(number.cast_unsigned(), signal)
        .map_err(|failure| std::io::Error::from_raw_os_error(failure.errno).into())
}

thread_local! {
    /// The number of this JavaScript thread, once it owns a container.
    static PART: Cell<Option<u64>> = const { Cell::new(None) };
}

/// The number of the thread whose JavaScript calls us. When that ends, by whatever it does, so do its containers.
fn part(env: &Env) -> Result<u64> {
    if let Some(part) = PART.get() {
        return Ok(part);
    }
    let part = engine::waiter::number();
    env.add_env_cleanup_hook(part, |part| {
        PART.set(None);
        owner::end_part(part);
    })?;
    PART.set(Some(part));
    Ok(part)
}
