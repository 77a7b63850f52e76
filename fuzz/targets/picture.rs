//! An image file from anyone: read without libav, and turned as its EXIF says.
#![no_main]

use std::path::Path;

use filmgate_core::frame::PlanePool;
use filmgate_picture::PictureReader;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (u8, &[u8])| {
    const NAMES: [&str; 4] = ["a.png", "a.jpg", "a.tif", "a"];
    let (name, bytes) = data;
    let name = Path::new(NAMES[usize::from(name) % NAMES.len()]);
    // An error is an answer.
    let _ = PictureReader::new(&PlanePool::new()).read(bytes, name);
});
