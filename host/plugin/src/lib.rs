//! Plugins: WebAssembly components, loaded, limited, watched and called. All of wasmtime is in
//! here, and none of its types gets out.
//!
//! [`Engine`] is made once. [`Plugin::load`] turns a file into a plugin with its description;
//! [`Supervisor`] and [`Filter`], [`Naming`] and [`Ordering`] put it to work.

mod bindings;
pub mod catalogue;
mod change;
pub mod check;
mod code;
mod describe;
mod engine;
mod error;
mod filter;
mod frames;
mod grants;
mod guest;
mod handover;
mod held;
mod instance;
mod item;
mod limits;
mod live;
mod load;
mod log;
mod naming;
mod ordering;
mod pack;
pub mod package;
mod parameters;
mod plain;
mod promised;
mod record;
mod specimen;
mod supervise;
mod wasi;
mod wasi3;

pub use code::cache::CodeCache;
#[cfg(target_os = "linux")]
pub use code::child::{VERB as COMPILE_VERB, compile_plugin, compile_with};
pub use describe::{Description, Parameter, ParameterKind, Value, takes};
pub use engine::{Engine, EngineError, TICK};
pub use error::{Failure, PluginError};
pub use filter::{Filter, seconds, summary};
pub use grants::Grants;
pub use handover::{TakeOverError, hand_over, take_over};
pub use item::Item;
pub use limits::Limits;
pub use load::{COMPONENT_BYTES, FilterTraits, Kind, Plugin, Reach, SERVED, compile_ahead};
pub use log::harmless;
pub use naming::{Naming, Request, check_name};
pub use ordering::{Ordering, Placement, check_order};
pub use pack::pack;
pub use parameters::{Reference, resolve};
pub use plain::read_plain;
pub use record::{PluginRecord, SupervisionRecord, ValueRecord};
pub use supervise::{OnFailure, Supervised, Supervisor};
