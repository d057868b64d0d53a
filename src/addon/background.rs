//! Processes of containers that are begun here and whose end is an answer: engine::background.

use crate::{
    line::{Line, Question},
    pool::LAUNCHES,
};
use engine::{background, owner, owner::Ownership, supervise::ExitStatus, watcher::Owned};
use napi::{Env, Result};
use napi_derive::napi;
use std::{cell::Cell, thread};

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

/// What is answered of a process, as numbers of questions.
#[napi(object)]
pub struct Questions {
    /// The answer of the verb that begins it.
    pub begun: u32,
    /// How it ended; the empty answer where that can't be known, also when nothing was begun.
    pub ended: u32,
    /// That of `destroy`, if there is a request for it: it follows the end.
    pub gone: Option<u32>,
}

#[napi]
impl Line {
    /// Calls `launch` or `exec`. The process is waited for from the beginning, and when it has ended, `destroy` is called with that
    /// request, if there is one. Returns its number for `kill`, `relay` and `forget`, until it has ended.
    #[napi]
    pub fn begin(
        &self,
        env: &Env,
        questions: Questions,
        verb: String,
        request: String,
        owner: Option<Owner>,
        destroy: Option<String>,
    ) -> Result<i64> {
        let ownership = match owner {
            Some(Owner { root, id, created, binary }) => {
                Some(Ownership { container: Owned { root, id, created }, part: part(env)?, binary })
            }
            None => None,
        };
        let gone = questions.gone.map(|number| self.question(number)).zip(destroy);
        self.attend(&questions, gone, move |number, ended| {
            background::begin(number, &verb, &request, ownership.as_ref(), ended)
        })
    }

    /// Waits for the end of any container's init: `begun` tells whether that is possible.
    #[napi]
    pub fn await_end(&self, questions: Questions, root: String, id: String) -> Result<i64> {
        self.attend(&questions, None, move |number, ended| background::await_end(number, &root, &id, ended))
    }

    /// Joins the pty `console` to `socket`, of which we take over both, until the process has ended and its last output is through.
    #[napi]
    pub fn relay(&self, question: u32, number: i64, console: i32, socket: i32) -> Result<()> {
        let done = self.question(question);
        // For as long as the process lives.
        thread::Builder::new()
            .name("gantry terminal".into())
            .spawn(move || done.answer(background::relay(number.cast_unsigned(), console, socket)))?;
        Ok(())
    }

    /// Kills a process in a container, its session, and the descendants of whoever is in that.
    #[napi]
    pub fn kill_session(&self, question: u32, root: String, id: String, pid: i32) -> Result<()> {
        let done = self.question(question);
        Ok(LAUNCHES.run(move || done.answer(engine::processes::kill_session_of(&root, &id, pid)))?)
    }

    /// Does something to files in a container: engine::container_files.
    #[napi]
    pub fn file(&self, question: u32, request: String) -> Result<()> {
        let done = self.question(question);
        Ok(LAUNCHES.run(move || done.answer(engine::container_files::operate(&request)))?)
    }
}

impl Line {
    fn attend(
        &self,
        questions: &Questions,
        gone: Option<(Question, String)>,
        begin: impl FnOnce(u64, Box<dyn FnOnce(ExitStatus) + Send>) -> String + Send + 'static,
    ) -> Result<i64> {
        let number = engine::waiter::number();
        let (begun, ended) = (self.question(questions.begun), self.question(questions.ended));
        let told = Box::new(move |status: ExitStatus| {
            ended.answer(background::ending(status));
            if let Some((gone, request)) = gone {
                // Fails when there is no thread at all, and then the question is dropped with the job.
                let _ = LAUNCHES.run(move || gone.answer(engine::verbs::call("destroy", &request)));
            }
        });
        LAUNCHES.run(move || begun.answer(begin(number, told)))?;
        Ok(number.cast_signed())
    }
}

/// Waits no more for a process: its `ended` is fulfilled with nothing.
#[napi]
pub fn forget(number: i64) -> bool {
    engine::waiter::cancel(number.cast_unsigned())
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
