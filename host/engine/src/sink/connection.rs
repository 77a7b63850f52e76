//! One connection to a server: a muxer on it, from the header to the end.

use std::path::Path;
use std::time::Duration;

use super::push::Item;
use filmgate_av::{self, MediaError, Muxer, StreamTemplate, header_options};
use filmgate_core::cancel::Cancel;
use filmgate_core::url::Url;

/// Where a push goes.
#[derive(Clone, Debug)]
pub(super) struct Address {
    pub(super) url: Url,
    /// libav's name of the container
    pub(super) format: String,
    /// what connecting, and one write, may take
    pub(super) patience: Duration,
}

/// A connection whose header has been taken.
pub(super) struct Connection {
    muxer: Muxer,
    streams: Vec<usize>,
}

impl Connection {
    pub(super) fn open(
        address: &Address,
        templates: &[StreamTemplate],
        hard: &Cancel,
    ) -> Result<Connection, MediaError> {
        let (format, url) = (&*address.format, &address.url);
        let mut muxer = if Muxer::opens_itself(format) {
            Muxer::address(format, url, hard, Some(address.patience))?
        } else {
            let push = filmgate_av::Push::open_within(url, hard, Some(address.patience))?;
            Muxer::stream(format, Box::new(push), Path::new(&url.to_string()))?
        };
        let streams = templates.iter().map(|t| muxer.add_stream(t)).collect::<Result<_, _>>()?;
        muxer.write_header(&header_options(format, false))?;
        Ok(Connection { muxer, streams })
    }

    pub(super) fn write(&mut self, item: Item) -> Result<(), MediaError> {
        match self.streams.get(item.stream) {
            Some(stream) => self.muxer.write_encoded(*stream, item.packet),
            None => Ok(()),
        }
    }

    pub(super) fn finish(self) -> Result<(), MediaError> {
        self.muxer.finish().map(drop)
    }
}
