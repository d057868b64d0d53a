//! Compiles the JavaScript of dist/js/full.js to bytecode, with the engine that will run it. scripts/bundle.mjs makes it.

use rquickjs::{Context, Ctx, Error, Module, Runtime, WriteOptions};
use std::{env, fs, path::Path, process};

fn main() {
    if let Err(message) = compile_bundle() {
        eprintln!("{message}");
        process::exit(1);
    }
}

fn compile_bundle() -> Result<(), String> {
    println!("cargo::rerun-if-changed=build.rs");
    let variable = |name| env::var(name).map_err(|error| format!("{name}: {error}"));
    let bundle = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("../../dist/js/full.js");
    println!("cargo::rerun-if-changed={}", bundle.display());
    let source = fs::read(&bundle).map_err(|error| {
        format!("{}: {error}. The TypeScript has to be bundled first: `npm run build`", bundle.display())
    })?;
    let bytecode = compile("gantry", source).map_err(|error| format!("{}: {error}", bundle.display()))?;
    let target = Path::new(&variable("OUT_DIR")?).join("gantry.bytecode");
    fs::write(&target, bytecode).map_err(|error| format!("{}: {error}", target.display()))
}

/// The bytecode of the module. It keeps line numbers for traces, but not the source.
fn compile(name: &str, source: Vec<u8>) -> Result<Vec<u8>, String> {
    let runtime = Runtime::new().map_err(|error| error.to_string())?;
    // The parser recurses; what it is given here is our own code, in a build.
    runtime.set_max_stack_size(4 << 20);
    let context = Context::full(&runtime).map_err(|error| error.to_string())?;
    context.with(|ctx| {
        Module::declare(ctx.clone(), name, source)
            .and_then(|module| module.write(WriteOptions { strip_source: true, ..WriteOptions::default() }))
            .map_err(|error| describe(&ctx, error))
    })
}

fn describe(ctx: &Ctx<'_>, error: Error) -> String {
    match (error, ctx.catch().into_exception()) {
        (Error::Exception, Some(exception)) => exception.to_string(),
        (error, _) => error.to_string(),
    }
}
