//! The parent side of a container. Both hosts call it through [`verbs`], one function for each verb of `src/host/host.ts`.
//!
//! A launch runs in [`launch`]; [`gate`] opens a created container; [`supervise`] waits for a foreground one. [`store`] and
//! [`record`] keep what is known of a container between two commands; [`inspect`], [`signal`] and [`destroy`] act on that.
#![forbid(unsafe_code)]

mod channel;
mod failing;
mod id_maps;
mod image;
mod pid_file;
pub mod destroy;
pub mod facts;
pub mod files;
pub mod gate;
pub mod inspect;
pub mod launch;
pub mod record;
pub mod signal;
pub mod store;
pub mod verbs;
