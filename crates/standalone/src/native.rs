//! What TypeScript sees of this process: the `Native` of src/host/quickjs.ts.

use crate::request::Request;
use rquickjs::{Ctx, Function, Object, Result, Value};
use rustix::rand::GetRandomFlags;
use std::{env, io::IsTerminal, process};

/// The arguments of this process, or the position of the first that is not UTF-8.
pub fn arguments() -> std::result::Result<Vec<String>, usize> {
    env::args_os().enumerate().map(|(at, argument)| argument.into_string().map_err(|_| at)).collect()
}

/// The caller's facts, and the way to the engine's verbs.
pub fn object<'js>(ctx: &Ctx<'js>, arguments: Vec<String>) -> Result<Object<'js>> {
    let native = Object::new(ctx.clone())?;
    native.set("argv", arguments)?;
    native.set("environment", Function::new(ctx.clone(), environment)?)?;
    native.set("cwd", env::current_dir().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default())?;
    native.set("pid", process::id())?;
    native.set("isTerminal", Function::new(ctx.clone(), is_terminal)?)?;
    native.set("call", Function::new(ctx.clone(), call)?)?;
    Ok(native)
}

/// The environment, asked for only by commands that need it. What is not UTF-8 is passed over.
fn environment<'js>(ctx: Ctx<'js>) -> Result<Object<'js>> {
    let object = Object::new(ctx)?;
    for (name, value) in env::vars_os() {
        if let (Ok(name), Ok(value)) = (name.into_string(), value.into_string()) {
            object.set(name, value)?;
        }
    }
    Ok(object)
}

fn is_terminal(descriptor: u8) -> bool {
    match descriptor {
        0 => std::io::stdin().is_terminal(),
        1 => std::io::stdout().is_terminal(),
        2 => std::io::stderr().is_terminal(),
        _ => false,
    }
}

/// `Math.random`: from 0 up to 1, by getrandom(2).
pub fn random() -> Result<f64> {
    let mut bytes = [0; 8];
    rustix::rand::getrandom(&mut bytes, GetRandomFlags::empty()).map_err(std::io::Error::from)?;
    // As many bits as a double has.
    Ok((u64::from_ne_bytes(bytes) >> 11) as f64 / (1_u64 << 53) as f64)
}

/// One verb of src/host/host.ts: its request as it is there, and the long text that goes with some; the reply is for src/host/verbs.ts.
fn call(verb: String, request: Value<'_>, text: Option<String>) -> String {
    // A signal halfway through a launch would leave half a container; `supervise` forwards those that came meanwhile.
    // Holding them back can't fail, and if it did the launch would be as good as without.
    if matches!(verb.as_str(), "supervise" | "awaitReady") {
        crate::ARENA.retire();
    }
    let _ = match verb.as_str() {
        "launch" | "exec" => engine::signals::hold_signals(),
        "awaitReady" => engine::signals::release_signals(),
        _ => Ok(()),
    };
    engine::verbs::call_with(&verb, Request(request), text.as_deref().unwrap_or_default())
}
