//! Reading what the host tells about streams, frames, files and requests.

use crate::{
    Error, FrameInfo, Item, Layout, PixelFormat, Property, Rational, Request, StreamInfo, Value,
};

impl StreamInfo {
    /// A stream of square samples whose rate and colours nobody knows; for tests, and to start
    /// from.
    pub fn new(width: u32, height: u32, format: PixelFormat) -> StreamInfo {
        StreamInfo {
            width,
            height,
            format: format.name().to_owned(),
            frame_rate: None,
            sample_aspect: Rational { num: 1, den: 1 },
            more: Vec::new(),
        }
    }

    /// Format and size, to reckon with.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where this version of the crate does not know the format. A host
    /// gives a plugin only the formats that it listed.
    pub fn layout(&self) -> Result<Layout, Error> {
        Layout::named(&self.format, self.width, self.height)
    }

    /// A known fact about the colours: `color-range`, `color-space`, `color-primaries`,
    /// `color-transfer`.
    pub fn text(&self, name: &str) -> Option<&str> {
        text(&self.more, name)
    }

    /// What a new frame of this stream starts from. `index` is the number of the source picture,
    /// `timestamp` nanoseconds from the start of the stream; the duration is left open.
    pub fn frame(&self, index: u64, timestamp: i64) -> FrameInfo {
        FrameInfo {
            width: self.width,
            height: self.height,
            format: self.format.clone(),
            index,
            timestamp,
            duration: None,
        }
    }
}

impl FrameInfo {
    /// Format and size, to reckon with.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where this version of the crate does not know the format.
    pub fn layout(&self) -> Result<Layout, Error> {
        Layout::named(&self.format, self.width, self.height)
    }
}

impl Item {
    /// A known number: `created`, `duration`, `start` (microseconds), `width`, `height` (samples).
    pub fn integer(&self, name: &str) -> Option<i64> {
        integer(&self.properties, name)
    }

    /// A known text: `codec`, or one of the file's own tags as `tag:NAME`.
    pub fn text(&self, name: &str) -> Option<&str> {
        text(&self.properties, name)
    }
}

impl Request {
    /// A known number: `utc-offset` (minutes east of UTC where the host runs).
    pub fn integer(&self, name: &str) -> Option<i64> {
        integer(&self.more, name)
    }

    /// A known text; the contract has none so far.
    pub fn text(&self, name: &str) -> Option<&str> {
        text(&self.more, name)
    }
}

/// The value of that name.
pub(crate) fn find<'a>(properties: &'a [Property], name: &str) -> Option<&'a Value> {
    properties.iter().find(|property| property.name == name).map(|property| &property.value)
}

fn integer(properties: &[Property], name: &str) -> Option<i64> {
    match find(properties, name) {
        Some(Value::Integer(number)) => Some(*number),
        _ => None,
    }
}

fn text<'a>(properties: &'a [Property], name: &str) -> Option<&'a str> {
    match find(properties, name) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_by_name_and_type() {
        let mut stream = StreamInfo::new(4, 2, PixelFormat::Yuv420p);
        stream.more.push(Property { name: "color-range".into(), value: "tv".into() });
        assert_eq!(stream.text("color-range"), Some("tv"));
        assert_eq!(stream.text("color-space"), None);
        assert_eq!(stream.layout().map(|layout| layout.plane(1).columns), Ok(2));
        let item = Item {
            path: "a.mp4".into(),
            size: 1,
            modified: 2,
            properties: vec![Property { name: "width".into(), value: 1280.into() }],
        };
        assert_eq!(item.integer("width"), Some(1280));
        assert_eq!(item.text("width"), None);
    }
}
