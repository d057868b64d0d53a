//! The TypeScript, loaded: an engine in which all modules are evaluated.

use crate::native;
use rquickjs::{
    Context, Ctx, Error, Function, Module, Object, Persistent, Runtime, Value, allocator::RustAllocator,
    context::intrinsic, promise::MaybePromise, qjs::JS_UpdateStackTop,
};

/// What the TypeScript uses of JavaScript's library.
type Library = (intrinsic::RegExp, intrinsic::Json, intrinsic::MapSet, intrinsic::Promise, intrinsic::Date);

/// scripts/bundle.mjs makes the bundle, build.rs the bytecode.
static BYTECODE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/gantry.bytecode"));

pub struct Script {
    context: Context,
    /// `run(native)` gives the exit status.
    run: Persistent<Function<'static>>,
}

impl Script {
    pub fn load() -> Result<Self, String> {
        let runtime = Runtime::new_with_alloc(RustAllocator).map_err(|error| error.to_string())?;
        // A command lives for milliseconds: collecting its garbage would cost more than the garbage.
        runtime.set_gc_threshold(usize::MAX);
        let context = Context::custom::<Library>(&runtime).map_err(|error| error.to_string())?;
        let run = context.with(|ctx| evaluate(&ctx).map_err(|error| describe(&ctx, error)))?;
        Ok(Self { context, run })
    }

    /// Carries out the command line in `arguments` and gives the exit status.
    #[allow(unsafe_code, reason = "rquickjs takes it that an engine stays in its thread")]
    pub fn run(&self, arguments: Vec<String>) -> Result<i32, String> {
        // SAFETY: the pointer is that of the context's own runtime; the call only notes where the stack is, which is elsewhere in
        // each process.
        unsafe { JS_UpdateStackTop(self.context.get_runtime_ptr()) };
        self.context.with(|ctx| {
            let run = self.run.clone().restore(&ctx);
            run.and_then(|run| run.call::<_, MaybePromise>((native::object(&ctx, arguments)?,)))
                .and_then(|status| status.finish())
                .map_err(|error| describe(&ctx, error))
        })
    }
}

#[allow(unsafe_code, reason = "the engine has no safe way to read bytecode")]
fn evaluate(ctx: &Ctx<'_>) -> rquickjs::Result<Persistent<Function<'static>>> {
    // The engine's own has a seed from its making, which would be the same in every process.
    ctx.globals().get::<_, Object>("Math")?.set("random", Function::new(ctx.clone(), native::random)?)?;
    // SAFETY: QuickJS trusts bytecode as it trusts its own code. These bytes are a constant of this program that build.rs
    // made with the same engine: Cargo.lock has one rquickjs, for build.rs and for us.
    let module = unsafe { Module::load(ctx.clone(), BYTECODE) }?;
    let (module, evaluation) = module.eval()?;
    evaluation.finish::<()>()?;
    let run: Function = module.get("run")?;
    Ok(Persistent::save(ctx, run))
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
