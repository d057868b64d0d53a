//! The names in an archive, as they are: bytes, of which nothing is to be believed.

/// The components of a name, from the top of the archive on. None: it leads upwards, or has what no name can have.
pub fn components(name: &[u8]) -> Option<Vec<&[u8]>> {
    let parts: Vec<&[u8]> = name.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".").collect();
    let sound = |part: &&[u8]| **part != *b".." && !part.contains(&0);
    parts.iter().all(sound).then_some(parts)
}

pub fn joined(components: &[&[u8]]) -> Vec<u8> {
    components.join(&b'/')
}
