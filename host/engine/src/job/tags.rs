//! `--tags`: what plugins attach to frames, as JSON lines in output order. The file is published
//! whole, behind the output.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use crate::error::PipelineError;
use crate::session::Observer;
use filmgate_core::frame::{Frame, Tags};
use filmgate_core::publish::{Aside, PublishError};

/// One line (docs/json.md).
#[derive(Serialize)]
struct Line<'a> {
    /// number of the source picture, from 0
    index: u64,
    /// seconds from the start of the stream
    timestamp: f64,
    tags: &'a Tags,
}

/// The file, while it is written aside.
pub(super) struct TagFile {
    aside: Aside,
    writer: Arc<Mutex<BufWriter<File>>>,
}

impl TagFile {
    pub(super) fn create(path: &Path, replace: bool) -> Result<TagFile, PipelineError> {
        let aside = Aside::create(path, replace)?;
        let file = aside.file().map_err(|e| failed(path, e))?;
        Ok(TagFile { aside, writer: Arc::new(Mutex::new(BufWriter::new(file))) })
    }

    /// What writes a line for each picture it sees.
    pub(super) fn observer(&self) -> Observer {
        let writer = Arc::clone(&self.writer);
        let path = self.aside.target().to_owned();
        Box::new(move |frame| {
            let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
            write_line(&mut *writer, frame).map_err(|e| PipelineError::Publish(failed(&path, e)))
        })
    }

    /// Gives the finished file its name.
    pub(super) fn publish(self) -> Result<(), PipelineError> {
        let path = self.aside.target();
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.flush().map_err(|e| failed(path, e))?;
        drop(writer);
        Ok(self.aside.publish()?)
    }
}

fn failed(path: &Path, source: std::io::Error) -> PublishError {
    PublishError::Write { path: path.to_owned(), doing: "the tags could not be written", source }
}

fn write_line(out: &mut impl Write, frame: &Frame) -> std::io::Result<()> {
    let none = Tags::new();
    let tags = frame.tags.as_deref().unwrap_or(&none);
    let line = Line { index: frame.index, timestamp: frame.timestamp as f64 / 1e9, tags };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use filmgate_core::frame::PixelFormat;

    #[test]
    fn a_line_a_frame_whatever_the_tags_hold() {
        let tags = Tags::from([("faces".to_owned(), "2\n\"é\"".to_owned())]);
        let mut frame = Frame {
            format: PixelFormat::Gray8,
            width: 1,
            height: 1,
            planes: Vec::new(),
            index: 7,
            timestamp: 280_000_000,
            duration: None,
            tags: Some(Box::new(tags)),
            baggage: None,
        };
        let mut out = Vec::new();
        write_line(&mut out, &frame).expect("written");
        frame.tags = None;
        write_line(&mut out, &frame).expect("written");
        let text = String::from_utf8(out).expect("UTF-8");
        assert_eq!(
            text,
            "{\"index\":7,\"timestamp\":0.28,\"tags\":{\"faces\":\"2\\n\\\"é\\\"\"}}\n\
             {\"index\":7,\"timestamp\":0.28,\"tags\":{}}\n"
        );
    }
}
