//! Compiles the JavaScript bundles in dist/js to bytecode, with the engine that will run it, and lists them for
//! src/bundles.rs. The bundles come from scripts/bundle.mjs.

use rquickjs::{Context, Ctx, Error, Module, Runtime, WriteOptions};
use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process,
};

fn main() {
    if let Err(message) = compile_all() {
        eprintln!("{message}");
        process::exit(1);
    }
}

fn compile_all() -> Result<(), String> {
    let manifest = env::var("CARGO_MANIFEST_DIR").map_err(|error| error.to_string())?;
    let out = PathBuf::from(env::var("OUT_DIR").map_err(|error| error.to_string())?);
    let bundles = Path::new(&manifest).join("../../dist/js");
    println!("cargo::rerun-if-changed=build.rs");

    for name in ["entry", "full"] {
        compile_file(&bundles.join(name), &out.join(name))?;
    }

    let commands = bundles.join("commands");
    println!("cargo::rerun-if-changed={}", commands.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(&commands).map_err(|error| missing(&commands, &error))? {
        let path = entry.map_err(|error| error.to_string())?.path();
        if let (Some("js"), Some(name)) =
            (path.extension().and_then(|extension| extension.to_str()), path.file_stem().and_then(|stem| stem.to_str()))
        {
            names.push(name.to_string());
        }
    }
    names.sort();

    let mut table = String::from("[\n");
    for name in &names {
        let file = out.join(format!("command-{name}"));
        compile_file(&commands.join(name), &file)?;
        writeln!(table, "    ({name:?}, include_bytes!({:?})),", file.with_extension("bytecode"))
            .map_err(|error| error.to_string())?;
    }
    table.push(']');
    write(&out.join("commands.rs"), table.as_bytes())
}

/// Compiles `bundle`.js to `target`.bytecode.
fn compile_file(bundle: &Path, target: &Path) -> Result<(), String> {
    let path = bundle.with_extension("js");
    println!("cargo::rerun-if-changed={}", path.display());
    let source = fs::read(&path).map_err(|error| missing(&path, &error))?;
    let name = bundle.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let bytecode = compile(name, source).map_err(|error| format!("{}: {error}", path.display()))?;
    write(&target.with_extension("bytecode"), &bytecode)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}

fn missing(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}. The TypeScript has to be bundled first: `npm run build`", path.display())
}

/// The bytecode of one bundle. It keeps line numbers for traces, but not the source.
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
