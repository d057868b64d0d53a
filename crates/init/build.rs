//! Links the helper without libc and its start-up code: `_start` is ours (sys::entry).

fn main() {
    for argument in ["-nostdlib", "-nostartfiles", "-static", "-Wl,--build-id=none", "-Wl,-z,norelro"] {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
