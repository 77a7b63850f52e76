//! `filmgate watch`: real writers, real pictures, kills, lost events and full disks.

mod bypass;
mod carried;
mod crashes;
mod desk;
mod kept;
mod looks;
mod mutated;
mod once;
mod originals;
mod pictures;
mod plugins;
mod service;
mod spec;
mod trouble;
mod writers;
