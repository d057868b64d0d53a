//! Builds crates/init for the target, on its own: without libc, at fixed addresses, with its own features and profile.

use std::{env, error::Error, fs, path::Path, process::Command};

fn main() -> Result<(), Box<dyn Error>> {
    let variable = |name: &str| env::var(name).map_err(|_| format!("cargo does not set {name}"));
    let (target, out) = (variable("TARGET")?, variable("OUT_DIR")?);
    let workspace = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("../..");
    let target_dir = Path::new(&out).join("init-target");

    let mut build = Command::new(variable("CARGO")?);
    build.args(["build", "--package", "init", "--profile", "init", "--locked", "--target", &target, "--target-dir"]);
    build.arg(&target_dir).current_dir(&workspace);
    // What the outer build was told (flags, wrappers, features) is not meant for this one.
    for (name, _) in env::vars_os() {
        let inherited = name.to_string_lossy();
        if (inherited.starts_with("CARGO") && inherited != "CARGO_HOME")
            || inherited.starts_with("RUST") && inherited != "RUSTUP_HOME" && inherited != "RUSTUP_TOOLCHAIN"
        {
            build.env_remove(&name);
        }
    }
    let mut flags = vec!["-Crelocation-model=static", "-Ctarget-feature=+crt-static"];
    if target.ends_with("musl") {
        // This target brings its libc along, with a `_start` of its own.
        flags.push("-Clink-self-contained=no");
    }
    build.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    if !build.status()?.success() {
        return Err("crates/init does not build".into());
    }
    fs::copy(target_dir.join(&target).join("init/init"), Path::new(&out).join("init"))?;
    for part in ["hook", "init", "sys", "wire"] {
        println!("cargo:rerun-if-changed=../{part}");
    }
    println!("cargo:rerun-if-changed=../../Cargo.lock");
    Ok(())
}
