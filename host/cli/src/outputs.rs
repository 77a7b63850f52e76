//! How `join` reads a quality, until its options are fields of a description.

use filmgate_engine::spec::Crf;

pub(super) fn crf(text: &str) -> Result<f64, String> {
    text.parse::<Crf>().map(|crf| crf.0)
}
