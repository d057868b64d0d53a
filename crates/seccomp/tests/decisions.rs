//! What filters decide, call by call, against the rules as the crate's documentation has them.
#![allow(clippy::unwrap_used)]

mod common;

use common::{ARCHITECTURES, Call, bpf, model, random::Random};
use seccomp::{Architecture, compile};

const PROFILES: usize = 600;
const CALLS: usize = 60;

#[test]
fn random_profiles_decide_as_documented() {
    let mut random = Random::new(1);
    for round in 0..PROFILES {
        let (native, profile) = random.profile(&ARCHITECTURES);
        let filter = compile(&profile, native).unwrap();
        for _ in 0..CALLS {
            let call = random.call(native, &profile);
            let value = bpf::run(&filter.instructions, &call, native.is_big_endian()).value;
            let expected = model::decide(&profile, native, &call).value;
            assert_eq!(value, expected, "round {round}, {native:?}, {call:x?}\n{profile:#?}");
        }
    }
}
