//! What the files of a container's cgroup say.

use crate::{CgroupRef, failure, tree};
use rustix::{
    fd::OwnedFd,
    fs::Dir,
    io::{self, Errno},
};
use std::collections::BTreeMap;
use wire::Failure;

/// Texts by the names of their files.
pub type Texts = BTreeMap<String, String>;

/// The texts of files, of the v1 directories and of the v2 one. A name that ends with `*` stands for all that begin so. What is
/// missing, or can't be read by its nature, is left out; where the cgroup is gone, that is all.
pub fn read(refs: &[CgroupRef], names: &[String]) -> Result<[Texts; 2], Failure> {
    let mut found = [Texts::new(), Texts::new()];
    let [v1, v2] = &mut found;
    for reference in refs {
        let texts = if reference.version == 1 { &mut *v1 } else { &mut *v2 };
        if let Some(directory) = tree::open(reference).map_err(failure("open cgroup", &reference.path))? {
            read_into(texts, &directory, names).map_err(failure("read cgroup", &reference.path))?;
        }
    }
    Ok(found)
}

fn read_into(texts: &mut Texts, directory: &OwnedFd, names: &[String]) -> io::Result<()> {
    for name in names {
        let files = match name.strip_suffix('*') {
            Some(prefix) => files_with(directory, prefix)?,
            None => vec![name.clone()],
        };
        for file in files {
            match tree::read(directory, &file) {
                Ok(text) => drop(texts.insert(file, text)),
                Err(Errno::NOENT | Errno::NODEV | Errno::OPNOTSUPP | Errno::INVAL | Errno::ACCESS) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

fn files_with(directory: &OwnedFd, prefix: &str) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = match entry {
            Err(error) if tree::vanished(error) => break,
            other => other?,
        };
        names.extend(entry.file_name().to_str().ok().filter(|name| name.starts_with(prefix)).map(str::to_owned));
    }
    Ok(names)
}
