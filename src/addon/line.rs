//! Questions of JavaScript that are answered later, from any thread: how whatever takes time gives what came of it.
//!
//! A promise that Rust holds costs a tenth of a millisecond and a handle of the event loop, which then looks at all of them each time
//! that one has news. So a JavaScript thread has one line to here, with one handle: its questions have numbers, and all answers go
//! to one function.

use crate::pool;
use napi::{
    Env, Result, Status,
    bindgen_prelude::{FnArgs, Function},
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode::NonBlocking},
};
use napi_derive::napi;
use std::{sync::Arc, thread};

/// JavaScript's function, from any thread. It keeps the event loop going only while it is held.
type Hear = ThreadsafeFunction<FnArgs<(u32, String)>, (), FnArgs<(u32, String)>, Status, false, true>;

/// The line of one JavaScript thread.
#[napi]
pub struct Line {
    hear: Arc<Hear>,
    /// The same function, never called: what keeps the event loop going.
    held: Hear,
}

#[napi]
impl Line {
    /// `hear` gets the number of a question and its answer; an empty one if there was nothing to be answered.
    #[napi(constructor, ts_args_type = "hear: (question: number, answer: string) => void")]
    pub fn new(hear: Function<'_, FnArgs<(u32, String)>, ()>) -> Result<Self> {
        let build = || hear.build_threadsafe_function().weak::<true>().build();
        Ok(Self { hear: Arc::new(build()?), held: build()? })
    }

    /// Keeps the event loop going: something is asked that has no answer yet.
    #[napi]
    #[allow(deprecated, reason = "what is to take its place would make the function anew each time")]
    pub fn hold(&mut self, env: &Env) -> Result<()> {
        self.held.refer(env)
    }

    /// Lets it end.
    #[napi]
    #[allow(deprecated, reason = "as for `hold`")]
    pub fn release(&mut self, env: &Env) -> Result<()> {
        self.held.unref(env)
    }

    /// Calls a verb (engine::verbs), whose answer is the answer.
    #[napi]
    pub fn ask(&self, question: u32, verb: String, request: String) -> Result<()> {
        let question = self.question(question);
        let own_thread = is_long(&verb).then(|| thread::Builder::new().name(format!("gantry {verb}")));
        let carry_out = move || question.answer(engine::verbs::call(&verb, &request));
        match own_thread {
            Some(thread) => drop(thread.spawn(carry_out)?),
            None => pool::SHORT.run(carry_out)?,
        }
        Ok(())
    }
}

impl Line {
    pub fn question(&self, number: u32) -> Question {
        Question { hear: Arc::clone(&self.hear), number, answer: String::new() }
    }
}

/// Verbs that may wait as long as a container lives, or for what someone types: each call has a thread of its own.
fn is_long(verb: &str) -> bool {
    const LONG: [&str; 15] = [
        "freeze",
        "awaitOom",
        "sleep",
        "thaw",
        "update",
        "changeMounts",
        "runProgram",
        "readInput",
        "writeOutput",
        "writeError",
        "launch",
        "exec",
        "start",
        "awaitReady",
        "supervise",
    ];
    LONG.contains(&verb)
}

/// A question that waits for its answer: it is told when this is dropped, with nothing if there is none, so that nobody waits for ever.
pub struct Question {
    hear: Arc<Hear>,
    number: u32,
    answer: String,
}

impl Question {
    pub fn answer(mut self, answer: String) {
        self.answer = answer;
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        // Fails when that thread has ended: nobody waits then.
        self.hear.call((self.number, std::mem::take(&mut self.answer)).into(), NonBlocking);
    }
}
