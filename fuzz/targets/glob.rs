//! Patterns that somebody types, and names that somebody gave files.
#![no_main]

use std::path::Path;

use filmgate_core::glob::Globs;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (&str, &str)| {
    let (pattern, name) = data;
    if let Ok(globs) = Globs::new(&[pattern]) {
        let _ = (globs.is_match(Path::new(name)), globs.enters(Path::new(name)));
    }
});
