//! The parent side of a container. Both hosts call it through [`verbs`], one function for each verb of `src/host/host.ts`.
//!
//! What only Node needs is beside that: [`background`], [`waiter`], and [`owner`], whose containers end with the process.
//!
//! A launch runs in [`launch`], on the [`helper`] that becomes init; [`gate`] opens a created container; [`exec`] starts another
//! process in one; [`supervise`] waits for one in the foreground. [`store`] and
//! [`record`] keep what is known of a container between two commands; [`inspect`], [`signal`] and [`destroy`] act on that.
#![forbid(unsafe_code)]

mod agent;
pub mod background;
mod channel;
pub mod console;
pub mod container_files;
mod container_ids;
pub mod destroy;
pub mod exec;
pub mod facts;
mod failing;
pub mod files;
mod filter;
pub mod freeze;
pub mod gate;
mod helper;
mod hooks;
mod id_maps;
mod image;
pub mod inspect;
pub mod launch;
pub mod log;
pub mod mounts;
mod net_devices;
mod netlink;
pub mod notify;
pub mod owner;
mod pid_file;
pub mod processes;
pub mod record;
mod resctrl;
pub mod signal;
pub mod signals;
pub mod statistics;
pub mod store;
pub mod supervise;
mod terminal;
#[cfg(test)]
mod testing;
mod unix_socket;
pub mod update;
pub mod verbs;
mod wait;
pub mod waiter;
pub mod watcher;
