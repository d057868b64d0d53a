//! Holds `src/host/plan.ts` to the types of this crate. `GANTRY_UPDATE=1 cargo test -p wire --features typescript` rewrites it.
#![cfg(feature = "typescript")]

use std::{env, fs, path::Path};
use ts_rs::{Config, TS};
use wire::{Failure, plan::*};

const HEAD: &str = "\
// Generated from crates/wire by `npm run generate`; do not edit.
// The launch plan as TypeScript sees it: what a config.json is compiled into, and what the engine and init carry out.
";

macro_rules! declarations {
    ($config:expr, $($name:ty),* $(,)?) => { [$(<$name>::decl($config)),*] };
}

#[test]
fn the_committed_declarations_are_those_of_this_crate() {
    let config = Config::default();
    let declarations = declarations!(
        &config,
        Failure,
        LaunchPlan,
        ResctrlPlan,
        ResctrlCreate,
        HardLimit,
        ExecPlan,
        SubCgroup,
        RecordSeed,
        HostHooks,
        Hook,
        HookOutput,
        InitHooks,
        Descriptors,
        CgroupPlan,
        Delegation,
        UnitPlan,
        UnitProperty,
        BusValue,
        HierarchyPlan,
        CgroupWrite,
        Otherwise,
        MountsPlan,
        UpdatePlan,
        HierarchyWrites,
        DeviceChange,
        ResctrlUpdate,
        DeviceRule,
        InitPlan,
        NetDevice,
        NamespaceKind,
        Namespace,
        IdMaps,
        JoinedIds,
        IdMap,
        Step,
        Propagation,
        Mount,
        Mounted,
        SourceLink,
        MountIdMap,
        MappedIds,
        Overlay,
        Special,
        Parameter,
        MountAttribute,
        PropagationChange,
        Device,
        Scheduler,
        Terminal,
        Credentials,
        CapabilitySets,
        Program,
    );
    let text: String = declarations.iter().fold(HEAD.to_owned(), |text, one| format!("{text}\nexport {one}\n"));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../src/host/plan.ts");
    if env::var_os("GANTRY_UPDATE").is_some() {
        fs::write(&file, &text).expect("plan.ts can be written");
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == text, "src/host/plan.ts is not up to date: run `npm run generate`");
}
