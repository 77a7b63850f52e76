//! Addresses in what is shown and logged: whatever the text, its password is not in it.
#![no_main]

use filmgate_core::url::{Url, redact, redact_words};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = (redact(text), redact_words(text), Url::new(text).to_string());
    // A host has none of these; with one of them the text would be another address.
    let is_host = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
    if is_host {
        let address = format!("rtmp://me:hunter2hunter2@{text}/live/{text}");
        for shown in [redact(&address), redact_words(&address), Url::new(&*address).to_string()] {
            assert!(!shown.contains("hunter2hunter2"), "{shown}");
        }
    }
});
