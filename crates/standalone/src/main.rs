//! The static binary `gantry`: the same TypeScript as on Node, in QuickJS, over the same engine.
//!
//! A start is: engine and context, the bundle `entry` (which only finds out what command is wanted), the bundle of
//! that command, its `run(native)`, and _exit(2). Nothing is torn down: the process has done its work. [`bundles`] holds
//! the bytecode, [`native`] what TypeScript may ask of us.

mod bundles;
mod native;

use rquickjs::{
    Context, Ctx, Error, Function, Runtime, Value, allocator::RustAllocator, context::intrinsic, promise::MaybePromise,
};
use std::io::Write;

/// JavaScript's memory and ours, until a command stays for longer (see [`native`]).
#[global_allocator]
static ARENA: sys::arena::Arena = sys::arena::Arena::new();

/// The exit status where no command could say one: bad arguments, or a defect of ours.
const FAILED: i32 = 1;

/// What the TypeScript uses of JavaScript's library. Each intrinsic costs microseconds at every start.
type Library = (intrinsic::RegExp, intrinsic::Json, intrinsic::MapSet, intrinsic::Promise, intrinsic::Date);

fn main() {
    let status = status().unwrap_or_else(|message| {
        // Where standard error is gone there is nobody left to tell.
        let _ = writeln!(std::io::stderr(), "gantry: {message}");
        FAILED
    });
    sys::process::exit(status)
}

fn status() -> Result<i32, String> {
    // With more rights than its caller, everything that the caller says would be an attack (CVE-2016-8659).
    if rustix::process::geteuid() != rustix::process::getuid()
        || rustix::process::getegid() != rustix::process::getgid()
    {
        return Err("does not run set-user-ID or set-group-ID".into());
    }
    if std::env::args_os().next().is_some_and(|name| name == engine::watcher::NAME) {
        ARENA.retire();
        return engine::watcher::serve()
            .map(|()| 0)
            .map_err(|failure| format!("cannot {} {}", failure.step, failure.object));
    }
    let arguments = native::arguments().map_err(|at| format!("argument {at} is not UTF-8"))?;
    let runtime = Runtime::new_with_alloc(RustAllocator).map_err(|error| error.to_string())?;
    // A command lives for milliseconds: collecting its garbage would cost more than the garbage.
    runtime.set_gc_threshold(usize::MAX);
    let context = Context::custom::<Library>(&runtime).map_err(|error| error.to_string())?;
    let status = context.with(|ctx| run(&ctx, arguments).map_err(|error| describe(&ctx, error)));
    std::mem::forget((context, runtime));
    status
}

/// Runs the bundle of the wanted command; the bundle `full` where there is none, or it can't take this command line.
fn run(ctx: &Ctx<'_>, arguments: Vec<String>) -> rquickjs::Result<i32> {
    let command_of: Function = bundles::load(ctx, bundles::ENTRY)?.get("commandOf")?;
    let command: Option<String> = command_of.call((arguments.clone(),))?;
    let native = native::object(ctx, arguments)?;
    let own = command.as_deref().and_then(bundles::of_command);
    for bytecode in own.into_iter().chain([bundles::FULL]) {
        let run: Function = bundles::load(ctx, bytecode)?.get("run")?;
        let status: MaybePromise = run.call((native.clone(),))?;
        if let Some(status) = status.finish()? {
            return Ok(status);
        }
    }
    Err(Error::Unknown)
}

/// An error that TypeScript did not turn into a message: a defect. With the trace, for the report.
fn describe(ctx: &Ctx<'_>, error: Error) -> String {
    if !matches!(error, Error::Exception) {
        return format!("internal error: {error}");
    }
    let thrown: Value = ctx.catch();
    match thrown.as_exception() {
        Some(exception) => format!("internal error: {exception}"),
        None => format!("internal error: {thrown:?}"),
    }
}
