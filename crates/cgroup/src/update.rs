//! New values and device rules for a cgroup that is in use: all of them, or none.

use crate::{CgroupRef, device, failure, freezer, tree, values};
use device::Rule;
use rustix::{fd::OwnedFd, io::Errno};
use wire::{
    Failure,
    plan::{DeviceChange, HierarchyWrites, UpdatePlan},
};

/// A change that was made, and can be taken back.
#[derive(Debug)]
pub struct Updated {
    written: values::Written,
    devices: Option<ChangedDevices>,
}

/// Carries the plan out on the cgroup of a container. After a failure all is as before, but for processes that the kernel ended
/// to get below a limit.
pub fn update(refs: &[CgroupRef], plan: &UpdatePlan) -> Result<Updated, Failure> {
    let mut places = Vec::new();
    for hierarchy in plan.hierarchies.iter().filter(|hierarchy| !hierarchy.writes.is_empty()) {
        let reference = find(refs, hierarchy)?;
        places.push((reference, open(reference)?, hierarchy));
    }
    for (reference, directory, hierarchy) in &places {
        values::check((directory, &reference.path), &hierarchy.writes)?;
    }
    let mut written = values::Written::default();
    for (reference, directory, hierarchy) in &places {
        if let Err(failure) = written.write((directory, &reference.path), &hierarchy.writes) {
            written.undo();
            return Err(failure);
        }
    }
    match plan.devices.as_ref().map(|change| change_devices(refs, change)).transpose() {
        Ok(devices) => Ok(Updated { written, devices }),
        Err(failure) => {
            written.undo();
            Err(failure)
        }
    }
}

impl Updated {
    /// Takes the change back. Best effort: the failure that led here is what the caller has to know.
    pub fn undo(self, refs: &[CgroupRef]) {
        match self.devices {
            Some(ChangedDevices::V1 { directory, from, to }) => {
                let _ = frozen(refs, || device::change_list(&directory, &to, &from).map_err(failure("", "")));
            }
            Some(ChangedDevices::V2(replaced)) => {
                let _ = replaced.undo();
            }
            None => {}
        }
        self.written.undo();
    }
}

fn find<'a>(refs: &'a [CgroupRef], hierarchy: &HierarchyWrites) -> Result<&'a CgroupRef, Failure> {
    let mount = format!("{}/", hierarchy.mount.trim_end_matches('/'));
    let belongs = |reference: &&CgroupRef| reference.version == hierarchy.version && reference.path.starts_with(&mount);
    refs.iter().find(belongs).ok_or_else(|| failure("find cgroup of the container in", &hierarchy.mount)(Errno::NOENT))
}

fn open(reference: &CgroupRef) -> Result<OwnedFd, Failure> {
    let step = || failure("find cgroup", &reference.path);
    tree::open(reference).map_err(step())?.ok_or_else(|| step()(Errno::NOENT))
}

#[derive(Debug)]
enum ChangedDevices {
    V1 { directory: OwnedFd, from: Vec<Rule>, to: Vec<Rule> },
    V2(device::ReplacedFilter),
}

/// Through the v1 controller where there is one, else through v2, as at creation.
fn change_devices(refs: &[CgroupRef], change: &DeviceChange) -> Result<ChangedDevices, Failure> {
    let (from, to) = (device::rules(&change.from)?, device::rules(&change.to)?);
    for reference in refs.iter().filter(|reference| reference.version == 1) {
        let directory = open(reference)?;
        match tree::read(&directory, "devices.list") {
            Ok(_) => {}
            Err(Errno::NOENT) => continue,
            Err(errno) => return Err(failure("restrict devices of cgroup", &reference.path)(errno)),
        }
        let result = frozen(refs, || {
            device::change_list(&directory, &from, &to).map_err(|errno| {
                // As far as it got: going back the whole way undoes it.
                let _ = device::change_list(&directory, &to, &from);
                failure("restrict devices of cgroup", &reference.path)(errno)
            })
        });
        return result.map(|()| ChangedDevices::V1 { directory, from, to });
    }
    let Some(reference) = refs.iter().find(|reference| reference.version == 2) else {
        return Err(failure("restrict devices", "without a cgroup")(Errno::OPNOTSUPP));
    };
    let replaced = device::replace_filter(open(reference)?, &to);
    replaced.map(ChangedDevices::V2).map_err(failure("restrict devices of cgroup", &reference.path))
}

/// Does something while the container stands still, so that it sees all of it at once.
fn frozen<T>(refs: &[CgroupRef], act: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    if freezer::is_frozen(refs)? {
        return act();
    }
    freezer::freeze(refs)?;
    let result = act();
    freezer::thaw(refs)?;
    result
}
