//! `join -p`: the plugins that the pictures of all segments go through.

use anyhow::Result;
use serde_json::{Value, json};
use tracing::warn;

use super::join::Arranged;
use super::join_args::JoinArguments;
use super::load::{self, Asked, Chain};
use filmgate_core::cancel::Cancel;
use filmgate_core::frame::PlanePool;
use filmgate_engine::plugin_json;
use filmgate_join::{Anew, Done, JoinError, Plan};
use filmgate_plugin::{CodeCache, Engine};

/// Plugins, loaded.
pub(super) struct Plugins {
    pub(super) chain: Chain,
    pool: PlanePool,
}

/// None where none are asked for.
pub(super) fn load(arguments: &JoinArguments, cancel: &Cancel) -> Result<Option<Plugins>> {
    if arguments.plugins.is_empty() && arguments.limits.grant.is_empty() {
        return Ok(None);
    }
    let asked = Asked {
        texts: &arguments.plugins,
        settings: &[],
        limits: &arguments.limits,
        on_failure: arguments.on_failure,
    };
    let pool = PlanePool::new();
    let engine = Engine::new(&CodeCache::ForUser, &pool, cancel)?;
    let chain = load::plugins(&asked, &engine, cancel)?;
    Ok(Some(Plugins { chain, pool }))
}

impl Plugins {
    /// What the pictures will be like behind them.
    pub(super) fn prepare(
        &self,
        arguments: &JoinArguments,
        plan: &mut Plan,
        cancel: &Cancel,
    ) -> Result<Anew, JoinError> {
        Anew::prepare(plan, self.chain.plugins.clone(), arguments.crf, &self.pool, cancel)
    }
}

/// Whether pictures are missing, or passed a broken plugin; people are told.
pub(super) fn warn_of_spoilt(arranged: &Arranged, done: &Done) -> bool {
    let Some(anew) = &arranged.anew else { return false };
    let damaged = done.written.pictures.damaged;
    if damaged > 0 {
        warn!(
            "{damaged} packets of the sources could not be decoded and are missing; \
             RUST_LOG=warn says why"
        );
    }
    let bypassed = anew.bypassed();
    if bypassed > 0 {
        warn!("{bypassed} frames passed a broken plugin unchanged");
    }
    damaged > 0 || anew.is_incomplete()
}

/// What becomes of the film, for programs.
pub(super) fn video_json(anew: &Anew, done: Option<&Done>) -> Value {
    let info = &anew.chain.output;
    let mut value = json!({
        "action": "reencode",
        "why": "for the plugins",
        "encoder": anew.encoder_name(),
        "width": info.width,
        "height": info.height,
        "pixel_format": info.format.name(),
        "conversions": anew.chain.notes,
    });
    if let (Some(done), Value::Object(fields)) = (done, &mut value) {
        let pictures = done.written.pictures;
        fields.insert("decoded".into(), json!(pictures.decoded));
        fields.insert("encoded".into(), json!(pictures.made));
        fields.insert("damaged_packets".into(), json!(pictures.damaged));
    }
    value
}

/// The plugins with all that decides what they do, and what they did.
pub(super) fn plugins_json(anew: &Anew, done: Option<&Done>) -> Value {
    let plugins = anew.plugins.iter().zip(&anew.chain.filter_meters);
    let list = plugins.map(|(supervisor, meter)| {
        let mut value = plugin_json(supervisor);
        if let (Some(_), Value::Object(fields)) = (done, &mut value) {
            let reading = meter.reading();
            fields.insert("frames".into(), json!(reading.frames));
            fields.insert("ms_a_frame".into(), json!(reading.ms_a_frame()));
            fields.insert("bypassed".into(), json!(supervisor.bypassed()));
            fields.insert("failures".into(), json!(supervisor.failures()));
            fields.insert("held_at_end".into(), json!(supervisor.held_at_end()));
        }
        value
    });
    list.collect()
}

/// The names of the plugins, in their order.
pub(super) fn names(anew: &Anew) -> String {
    let names: Vec<&str> = anew.plugins.iter().map(|p| p.plugin().name()).collect();
    names.join(", ")
}
