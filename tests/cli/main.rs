//! The program as a person uses it.

mod architecture;
mod chains;
mod collisions;
mod config;
mod examples;
mod exit_codes;
mod inputs;
mod installation;
mod interrupts;
mod media;
mod names;
mod outputs;
mod pixels;
mod plugin_verbs;
mod plugins;
mod policies;
mod reference;
mod reports;
mod run_faults;
mod run_inputs;
mod run_outputs;
mod secrets;
mod setup;
mod shared_options;
mod stills;
mod talk;
