//! Makes a component of a core module, so that plugin authors need no further tool.
//!
//! Generators for Rust and C leave the module's WIT in a custom section. For languages without
//! one, the module's exports follow the canonical ABI by hand and the contract's WIT, which is
//! part of this program, is put in here.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, SourceMap};

/// The contract's WIT files, name and text.
const WIT: [(&str, &str); 8] = [
    ("types.wit", include_str!("../../../wit/types.wit")),
    ("frames.wit", include_str!("../../../wit/frames.wit")),
    ("log.wit", include_str!("../../../wit/log.wit")),
    ("media.wit", include_str!("../../../wit/media.wit")),
    ("filter.wit", include_str!("../../../wit/filter.wit")),
    ("naming.wit", include_str!("../../../wit/naming.wit")),
    ("ordering.wit", include_str!("../../../wit/ordering.wit")),
    ("worlds.wit", include_str!("../../../wit/worlds.wit")),
];

/// Encodes `module` as a component. `world` names the world of the contract to put in, for a
/// module that does not carry its WIT: `filter-plugin`, `live-filter-plugin`, `naming-plugin` or
/// `ordering-plugin`.
/// `adapters` are modules that stand between imports of an older WASI and WASI 0.2, each with
/// the name of the import it serves (`wasi_snapshot_preview1`).
///
/// # Errors
/// A text that says what about the module does not fit.
pub fn pack(
    module: &[u8],
    world: Option<&str>,
    adapters: &[(String, Vec<u8>)],
) -> Result<Vec<u8>, String> {
    recognise(module)?;
    let mut module = module.to_vec();
    if let Some(world) = world {
        embed(&mut module, world)?;
    }
    let mut encoder = ComponentEncoder::default().validate(true).module(&module).map_err(chain)?;
    for (name, adapter) in adapters {
        encoder = encoder.adapter(name, adapter).map_err(chain)?;
    }
    encoder.encode().map_err(chain)
}

/// Core modules by their first eight bytes (core specification 5.5.16).
fn recognise(bytes: &[u8]) -> Result<(), String> {
    Err(match bytes {
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => return Ok(()),
        [] => "it is empty".to_owned(),
        [0, b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => "it is one already".to_owned(),
        _ => "it is no WebAssembly module".to_owned(),
    })
}

fn embed(module: &mut Vec<u8>, world: &str) -> Result<(), String> {
    let mut resolve = Resolve::default();
    let mut sources = SourceMap::new();
    for (name, text) in WIT {
        sources.push_str(name, text);
    }
    let group = sources.parse().map_err(|(_, e)| format!("{e:?}"))?;
    let package = resolve.push_group(group).map_err(|e| format!("{e:?}"))?;
    let world = resolve.select_world(&[package], Some(world)).map_err(chain)?;
    embed_component_metadata(module, &resolve, world, StringEncoding::UTF8).map_err(chain)
}

fn chain(error: impl Into<anyhow::Error>) -> String {
    format!("{:#}", error.into())
}
