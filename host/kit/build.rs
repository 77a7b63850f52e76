//! Tells cargo that files which come and go in the folders of the templates change this crate.

fn main() {
    for folder in
        ["templates", "../../plugins/sdk/src", "../../plugins/examples/emboss-c/libc", "../../wit"]
    {
        println!("cargo:rerun-if-changed={folder}");
    }
}
