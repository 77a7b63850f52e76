//! The catalogue: every filter that comes with filmgate, on real pictures, beside an outside
//! reference.

mod basics;
mod effects;
mod marks;
mod timing;
