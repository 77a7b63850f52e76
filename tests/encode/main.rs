//! `filmgate encode`: raw pictures into files and to real servers.

mod bad_input;
mod containers;
mod durability;
mod examples;
mod library;
mod pipes;
mod pixels;
mod playlists;
mod pushes;
mod servers;
mod sound;
mod start;
