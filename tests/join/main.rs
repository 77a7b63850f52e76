//! `filmgate join` on segments that fit, that nearly fit and that do not, judged by ffmpeg, ffprobe
//! and mkvmerge.

mod cases;
mod exact;
mod files;
mod kills;
mod odd;
mod plugins;
mod policies;
mod unfit;
