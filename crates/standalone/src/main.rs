//! The static binary `gantry`: the same TypeScript as on Node, in QuickJS, over the same engine.
//!
//! The build runs the program once, to the point where the TypeScript is loaded and waits for a command line, and writes its
//! memory back into its file ([`sys::arena`], scripts/image.mjs). So a start is: take that up, call `run(native)`, and _exit(2).
//! Nothing is torn down: the process has done its work. [`script`] loads the TypeScript, [`native`] is what it may ask of us.

mod native;
mod request;
mod script;

use script::Script;
use std::io::Write;

/// JavaScript's memory and ours, until a command stays for longer (see [`native`]).
#[global_allocator]
static ARENA: sys::arena::Arena<Script> = sys::arena::Arena::new();

/// The exit status where no command could say one: bad arguments, or a defect of ours.
const FAILED: i32 = 1;

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
    let script = match ARENA.kept() {
        Some(script) => script,
        // The build has not got that far. Only here the program can be told to write its image.
        None => {
            let script = ARENA.keep(Script::load()?);
            let image = ARENA.image();
            if std::env::args_os().skip(1).eq(["write-image"]) {
                return write_image(image);
            }
            script
        }
    };
    script.run(native::arguments().map_err(|at| format!("argument {at} is not UTF-8"))?)
}

fn write_image(image: Option<&[u8]>) -> Result<i32, String> {
    let image = image.ok_or("the room in crates/sys/src/arena.rs is too small")?;
    let mut output = std::io::stdout();
    // Standard output keeps what stands behind the last newline, and _exit would not write it.
    output.write_all(image).and_then(|()| output.flush()).map_err(|error| error.to_string())?;
    Ok(0)
}
