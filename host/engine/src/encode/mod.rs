//! Raw pictures in, encoded streams out: into files, and to servers that come and go.
//!
//! A [`Job`] takes [`Pictures`] (bytes out of a named pipe, standard input, any reader, or what
//! libav decodes) through a chain of plugins and one encoder to any number of [`Output`]s. Nothing
//! here waits for somebody who may never come without looking at the job's [`Stop`].
//!
//! [`Encoder`] is the short way for a program that has its pictures in memory.
//!
//! What an output on the network does when its server goes away stands in `push`, what is dropped
//! then in `backlog`.

mod backlog;
mod caller;
mod connection;
mod decoded;
mod feed;
mod fifo;
mod job;
mod outputs;
mod pictures;
mod playlist;
mod push;
mod sound;

pub use crate::job::{Output, Target};
pub use backlog::{Account, Bounds, Gap};
pub use caller::{Encoder, file};
pub use decoded::{Decoded, Slides};
pub use feed::{Feed, ReadFeed};
pub use fifo::{Fifo, PipeFeed};
pub use job::{Job, Prepared, Stop, Summary, ticks};
pub use outputs::{OutputSummary, Service};
pub use pictures::{Ended, Pictures, Raw, RawStream};
pub use push::{PushSummary, Standing, Watched};
pub use sound::{Copied, Piped, Silence, Sound};
