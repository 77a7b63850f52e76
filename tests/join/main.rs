//! `filmgate join` on segments that fit, that nearly fit and that do not, judged by ffmpeg, ffprobe
//! and mkvmerge.

mod cases;
mod clock;
mod config;
mod display;
mod exact;
mod files;
mod input_clocks;
mod kills;
mod odd;
mod plugins;
mod policies;
mod proof;
mod replaced;
mod skip;
mod tracks;
mod unfit;
