//! `linux.netDevices`: interfaces of the host move into the container's network namespace, with their addresses, and are set up.
//!
//! They do not come back: when the namespace ends, the kernel returns hardware to the host and removes virtual interfaces.

use crate::{
    failing::Failing,
    netlink::{Address, Link, Netlink},
};
use rustix::{
    fd::AsFd,
    io::{self, Errno},
};
use std::{fs::File, os::fd::AsRawFd, thread};
use sys::namespace::{join, kind};
use wire::{Failure, plan::NetDevice};

/// IFA_F_PERMANENT: nobody's lease.
const PERMANENT: u32 = 0x80;
/// What somebody chose about an address; all other flags say how it is doing. NODAD, HOMEADDRESS, MANAGETEMPADDR, NOPREFIXROUTE,
/// MCAUTOJOIN of linux/if_addr.h.
const CHOSEN: u32 = 0x02 | 0x10 | 0x100 | 0x200 | 0x400;
/// The attributes of an address that say what it is: IFA_ADDRESS, IFA_LOCAL, IFA_BROADCAST, IFA_RT_PRIORITY.
const OF_ADDRESS: [u16; 4] = [1, 2, 4, 9];

/// Moves all of them into the network namespace of process `pid`.
pub fn move_into_namespace_of(pid: i32, devices: &[NetDevice]) -> Result<(), Failure> {
    const STEP: &str = "move linux.netDevices to";
    let path = format!("/proc/{pid}/ns/net");
    let namespace = File::open(&path).failing(STEP, &path)?;
    let host = Netlink::open().failing(STEP, &path)?;
    let container = netlink_in(&namespace).failing(STEP, &path)?;
    for device in devices {
        let object = match &device.name {
            Some(name) => format!("{} to {name}", device.host),
            None => device.host.clone(),
        };
        move_one(device, &namespace, &host, &container).failing("move linux.netDevices", object)?;
    }
    Ok(())
}

/// A socket belongs to the namespace in which it was made. Only this thread goes there, and ends.
fn netlink_in(namespace: &File) -> io::Result<Netlink> {
    let open = || {
        join(namespace.as_fd(), kind::NETWORK)?;
        Netlink::open()
    };
    thread::scope(|scope| scope.spawn(open).join()).unwrap_or(Err(Errno::IO))
}

fn move_one(device: &NetDevice, namespace: &File, host: &Netlink, container: &Netlink) -> io::Result<()> {
    let link = host.links()?.into_iter().find(|link| link.name == device.host).ok_or(Errno::NODEV)?;
    let kept: Vec<Address> =
        host.addresses()?.into_iter().filter(|address| address.link == link.index && is_kept(address)).collect();
    let before = container.links()?;
    let name = device.name.as_deref().unwrap_or(&device.host);
    // The kernel would move it first, and see that only when it renames it.
    if before.iter().any(|other| other.name == name) {
        return Err(Errno::EXIST);
    }
    host.move_link(link.index, namespace.as_raw_fd(), device.name.as_deref())?;
    // Neither the number nor, with a template, the name need be what they were.
    let moved = container.links()?.into_iter().find(|link| is_new(link, &before)).ok_or(Errno::NODEV)?;
    for address in kept {
        container.add_address(&Address {
            link: moved.index,
            flags: address.flags & CHOSEN,
            attributes: address.attributes.into_iter().filter(|(kind, _)| OF_ADDRESS.contains(kind)).collect(),
            ..address
        })?;
    }
    container.set_up(moved.index)
}

/// Permanent ones of global scope (config-linux.md).
fn is_kept(address: &Address) -> bool {
    address.scope == 0 && address.flags & PERMANENT != 0
}

fn is_new(link: &Link, before: &[Link]) -> bool {
    !before.iter().any(|other| other.index == link.index)
}
