//! `adjust`, `invert`, `curves`, `lut3d`, `crop` and `flip`, judged by the ffmpeg program, Pillow
//! and numpy on frames of real film.

mod adjust;
mod bench;
mod crop;
mod curves;
mod flip;
mod invert;
mod lut3d;
