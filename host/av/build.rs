//! Hands on which FFmpeg the bindings were made for, as `cfg(ffmpeg_6_0)` and so on: a few fields
//! of libav's structures came and went between FFmpeg 5.1 and 9.

use std::env;

/// The versions that `src/versions.rs` tells apart.
const VERSIONS: [&str; 4] = ["ffmpeg_6_0", "ffmpeg_6_1", "ffmpeg_7_0", "ffmpeg_7_1"];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for version in VERSIONS {
        println!("cargo:rustc-check-cfg=cfg({version})");
        let key = format!("DEP_FFMPEG_{}", version.to_uppercase());
        if env::var(key).as_deref() == Ok("true") {
            println!("cargo:rustc-cfg={version}");
        }
    }
}
