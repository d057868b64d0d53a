//! The TypeScript as bytecode: one self-contained module a command, so that only the wanted command's code is read.

use rquickjs::{Ctx, Module, Result, module::Evaluated};

/// Exports `commandOf(argv)`: the name of the wanted command.
pub static ENTRY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/entry.bytecode"));

/// Exports `run(native)`, for every command line.
pub static FULL: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/full.bytecode"));

/// By the name of the command, in the order of the names.
static COMMANDS: &[(&str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/commands.rs"));

/// The bundle of one command. Its `run(native)` gives null for a command line that is not plain.
pub fn of_command(name: &str) -> Option<&'static [u8]> {
    let at = COMMANDS.binary_search_by_key(&name, |(name, _)| name).ok()?;
    Some(COMMANDS[at].1)
}

/// Reads a bundle into the engine and runs its top level.
#[allow(unsafe_code, reason = "the engine has no safe way to read bytecode")]
pub fn load<'js>(ctx: &Ctx<'js>, bytecode: &'static [u8]) -> Result<Module<'js, Evaluated>> {
    // SAFETY: QuickJS trusts bytecode as it trusts its own code. These bytes are constants of this program that build.rs
    // made with the same engine (Cargo.lock has one rquickjs, for build.rs and for us), and a caller has no others that live as long.
    let module = unsafe { Module::load(ctx.clone(), bytecode) }?;
    let (module, evaluation) = module.eval()?;
    evaluation.finish::<()>()?;
    Ok(module)
}
