//! What a plugin says of itself.

use crate::bindings::filter::exports::filmgate::plugin::filter as contract;
use crate::bindings::filter::filmgate::plugin::types;
use crate::{Kind, Parameter, Parameters, PixelFormat, Property};

/// Name, version, summary and parameters of a plugin.
///
/// ```
/// use filmgate_plugin::{Description, Parameter};
///
/// Description::new("blur", env!("CARGO_PKG_VERSION"), "softens every picture")
///     .license("MIT")
///     .parameter(Parameter::integer("radius", "how far it reaches").range(1..=64).default(3));
/// ```
#[derive(Debug)]
pub struct Description(pub(crate) types::Description);

impl Description {
    /// `name`: lower-case letters, digits and hyphens, at most 64 bytes, a letter first.
    /// `version`: the plugin's own, as semver.org has it. `summary`: one line for people, at most
    /// 200 bytes.
    pub fn new(name: &str, version: &str, summary: &str) -> Description {
        Description(types::Description {
            name: name.to_owned(),
            version: version.to_owned(),
            summary: summary.to_owned(),
            parameters: Vec::new(),
            more: Vec::new(),
        })
    }

    /// One more parameter, behind those that were given before.
    pub fn parameter<K: Kind>(mut self, parameter: Parameter<K>) -> Self {
        self.0.parameters.push(parameter.spec);
        self
    }

    /// Who wrote it, with commas between several: `env!("CARGO_PKG_AUTHORS")` has colons.
    pub fn authors(self, authors: &str) -> Self {
        self.more("authors", authors)
    }

    /// Its licence, as SPDX has it: `MIT OR Apache-2.0`.
    pub fn license(self, license: &str) -> Self {
        self.more("license", license)
    }

    /// Where it is described.
    pub fn homepage(self, address: &str) -> Self {
        self.more("homepage", address)
    }

    /// What a catalogue lists it under: `color`, `geometry`, `detail`, `time`, `overlay`,
    /// `analysis` …
    pub fn category(self, category: &str) -> Self {
        self.more("category", category)
    }

    /// What a search finds it by, with spaces between the words.
    pub fn keywords(self, words: &str) -> Self {
        self.more("keywords", words)
    }

    /// Parameters that show it well, as the command line has them: `frames=5,threshold=12`.
    pub fn example(self, parameters: &str) -> Self {
        self.more("example", parameters)
    }

    /// The parameters as the host hands them over where the user gives none; for tests.
    pub fn defaults(&self) -> Parameters {
        let given = |spec: &types::ParameterSpec| {
            let value = spec.default_value.clone()?;
            Some(Property { name: spec.name.clone(), value })
        };
        self.0.parameters.iter().filter_map(given).collect::<Vec<_>>().into()
    }

    fn more(mut self, name: &str, value: impl Into<crate::Value>) -> Self {
        self.0.more.push(Property { name: name.to_owned(), value: value.into() });
        self
    }
}

/// What a filter says of itself: a [`Description`], the formats that it takes, and whether its
/// frames depend on each other.
#[derive(Debug)]
pub struct FilterDescription {
    about: Description,
    formats: Vec<PixelFormat>,
    concurrency: contract::Concurrency,
}

impl FilterDescription {
    /// A filter whose answer depends on the frame and the parameters alone. The host shares out
    /// the frames between several instances. `formats`: what it takes, the best first.
    pub fn parallel(about: Description, formats: impl IntoIterator<Item = PixelFormat>) -> Self {
        Self::new(about, formats, contract::Concurrency::Parallel)
    }

    /// A filter of which one instance sees every frame, in order; it may keep frames from call to
    /// call. `formats`: what it takes, the best first.
    pub fn serial(about: Description, formats: impl IntoIterator<Item = PixelFormat>) -> Self {
        Self::new(about, formats, contract::Concurrency::Serial)
    }

    /// A serial filter that looks only so far: what it answers for a frame depends on that frame,
    /// on `before` frames before it and `after` behind it, each at most 100, and on the parameters,
    /// whatever it saw earlier. The host may cut the stream up between several instances. It has
    /// to answer for each frame before it has seen more than `after` behind it, and with frames
    /// that stand for one that it was given: those, clones of them, and what [`Frame::like`] makes.
    ///
    /// [`Frame::like`]: crate::Frame::like
    pub fn temporal(
        about: Description,
        formats: impl IntoIterator<Item = PixelFormat>,
        before: u32,
        after: u32,
    ) -> Self {
        let about = about.more("frames-before", i64::from(before));
        Self::serial(about.more("frames-after", i64::from(after)), formats)
    }

    fn new(
        about: Description,
        formats: impl IntoIterator<Item = PixelFormat>,
        concurrency: contract::Concurrency,
    ) -> Self {
        FilterDescription { about, formats: formats.into_iter().collect(), concurrency }
    }

    /// What the filter says of itself as a plugin.
    pub fn about(&self) -> &Description {
        &self.about
    }

    /// What it takes, the best first.
    pub fn formats(&self) -> &[PixelFormat] {
        &self.formats
    }

    /// The description as the contract has it.
    #[doc(hidden)]
    pub fn into_host(self) -> contract::FilterDescription {
        let formats = self.formats.into_iter().map(|format| format.name().to_owned()).collect();
        contract::FilterDescription { about: self.about.0, formats, concurrency: self.concurrency }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_holds_what_was_given() {
        let about = Description::new("blur", "1.0.0", "softens")
            .license("MIT")
            .parameter(Parameter::boolean("fast", "roughly").default(true))
            .parameter(Parameter::text("title", "shown above"));
        let filter = FilterDescription::serial(about, [PixelFormat::Gray8, PixelFormat::Rgb24]);
        assert_eq!(filter.formats(), [PixelFormat::Gray8, PixelFormat::Rgb24]);
        let defaults = filter.about().defaults();
        assert_eq!(defaults.boolean("fast"), Ok(true));
        assert_eq!(defaults.get::<&str>("title"), Ok(None));
        let filter = filter.into_host();
        assert_eq!(filter.formats, ["gray8", "rgb24"]);
        assert_eq!(filter.concurrency, contract::Concurrency::Serial);
        assert_eq!(filter.about.parameters[0].name, "fast");
        assert_eq!(filter.about.more[0].value, "MIT".into());
    }
}
