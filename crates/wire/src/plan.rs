//! The launch plan: what the engine does on the host, and the steps that init runs in the new container, in order.
//!
//! Written by `src/plan/` (TypeScript), run by `crates/engine` and `crates/init`. Nothing here decides: a field says what
//! to do, never under which condition. Paths are absolute unless a field says otherwise.
//!
//! A file an area: start with `launch.rs`, then `init.rs` and `step.rs`.
//!
//! What is empty or false in nearly every step may be left out of the JSON: it would be half of the text.

mod cgroup;
mod exact;
mod exec;
mod hooks;
mod init;
mod launch;
mod mount;
mod namespaces;
mod process;
mod resctrl;
mod step;
mod unit;
mod update;

pub use {
    cgroup::{CgroupPlan, CgroupWrite, Delegation, DeviceRule, HierarchyPlan, Otherwise},
    exact::ExactU64,
    exec::{ExecPlan, SubCgroup},
    hooks::{Hook, HookOutput, HostHooks, InitHooks},
    init::{Filter, InitPlan, NetDevice},
    launch::{Descriptors, HardLimit, LaunchPlan, RecordSeed},
    mount::{
        Device, MappedIds, Mount, MountAttribute, MountIdMap, Mounted, MountsPlan, Overlay, Parameter, Propagation,
        PropagationChange, SourceLink, Special,
    },
    namespaces::{IdMap, IdMaps, JoinedIds, Namespace, NamespaceKind},
    process::{CapabilitySets, Credentials, Program, Scheduler, Terminal},
    resctrl::{ResctrlCreate, ResctrlPlan},
    step::Step,
    unit::{BusValue, UnitPlan, UnitProperty},
    update::{DeviceChange, HierarchyWrites, ResctrlUpdate, UpdatePlan},
};
