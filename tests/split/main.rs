//! `filmgate split` as people and services use it: streams in, pictures out. What comes out is
//! judged by ffmpeg, ffprobe and Pillow; sources are served by ffmpeg and by `server`, with the
//! faults that real ones have.

mod choice;
mod ended;
mod folder;
mod formats;
mod help;
mod live;
mod names;
mod server;
mod sources;
